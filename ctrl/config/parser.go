package config

// parser turns the statements of a configuration into a Config.
type parser struct {
	*report

	// vocabularies are the words of all blocks, for suggestions.
	vocabularies []vocabulary

	globals globals
	config  Config

	// instanceNames tell where each instance is written, with errors or not;
	// memberOf is the sync group of each member.
	instanceNames map[string]Position
	memberOf      map[string]string

	// ownPriorityChanges are the instances that say themselves whether changes
	// of their priority are told.
	ownPriorityChanges map[string]bool

	// routers tell which instance has each virtual router id, vmacs which one has
	// the name of an interface, both as indexes of the config's; instanceAt is the
	// index of each name.
	routers    map[router]int
	vmacs      map[string]int
	instanceAt map[string]int

	// vmacNumbers are the next numbers in names of VMACs, by virtual router id and
	// family: those before are taken.
	vmacNumbers map[router]int

	// syncGroups tell where each sync group is written.
	syncGroups map[string]Position

	// tracked are the scripts, files and processes by name.
	tracked map[trackKind]map[string]tracked

	// listed tell where each name is written in a list.
	listed map[listed]Position

	// rulesWithoutPriority counts the rules that got one.
	rulesWithoutPriority uint32

	// groups are the virtual server groups by name; members counts the
	// members of all.
	groups  map[string]*serverGroup
	members int

	// told are the places of settings that a finding is about, where several
	// checks share them.
	told map[Position]bool

	// endpoints tell where the virtual server that has them is written.
	endpoints map[endpoint]Position
}

// document is the top level of a configuration, sorted by kind of block:
// globals must be known before what they are defaults for.
type document struct {
	globals, drover                            []*statement
	scripts, files, processes                  []*statement
	instances, syncGroups                      []*statement
	staticAddresses, staticRoutes, staticRules []*statement
	groups, servers, ssl                       []*statement
}

var documentGrammar = grammar[document]{
	served: map[string]keyword[document]{
		"global_defs": {block: true,
			read: collect(func(d *document) *[]*statement { return &d.globals })},
		"vrrp_instance": {min: 1, max: 1, needs: "a name", block: true,
			read: collect(func(d *document) *[]*statement { return &d.instances })},
		"vrrp_sync_group": {min: 1, max: 1, needs: "a name", block: true,
			read: collect(func(d *document) *[]*statement { return &d.syncGroups })},
		"vrrp_script": {min: 1, max: 1, needs: "a name", block: true,
			read: collect(func(d *document) *[]*statement { return &d.scripts })},
		"track_file": {min: 1, max: 1, needs: "a name", block: true,
			read: collect(func(d *document) *[]*statement { return &d.files })},
		"vrrp_track_file": {min: 1, max: 1, needs: "a name", block: true,
			read: collect(func(d *document) *[]*statement { return &d.files })},
		"vrrp_track_process": {min: 1, max: 1, needs: "a name", block: true,
			read: collect(func(d *document) *[]*statement { return &d.processes })},
		"static_ipaddress": {block: true,
			read: collect(func(d *document) *[]*statement { return &d.staticAddresses })},
		"static_routes": {block: true,
			read: collect(func(d *document) *[]*statement { return &d.staticRoutes })},
		"static_rules": {block: true,
			read: collect(func(d *document) *[]*statement { return &d.staticRules })},
		"virtual_server_group": {min: 1, max: 1, needs: "a name", block: true,
			read: collect(func(d *document) *[]*statement { return &d.groups })},
		"virtual_server": {min: 1, max: 2, needs: "an address, or group and a name", block: true,
			read: collect(func(d *document) *[]*statement { return &d.servers })},
		"SSL": {block: true,
			read: collect(func(d *document) *[]*statement { return &d.ssl })},
		"drover": {block: true,
			read: collect(func(d *document) *[]*statement { return &d.drover })},
	},
	refused: namespaceKeywords,
	unserved: join(
		outerKeywords,
		unserved("no instance follows static addresses, routes and rules", "track_group static_track_group"),
		unserved("no BFD session is opened", "bfd_instance"),
		unserved("vrrp_garp_interval and vrrp_gna_interval hold for every interface by itself", "garp_group"),
		unserved("a link is followed by the kernel's notices only", "linkbeat_interfaces"),
		unserved("a change of the link counts at once", "interface_up_down_delays"),
	),
}

// collect puts statements aside.
func collect[T any](list func(*T) *[]*statement) func(*parser, *statement, *T) {
	return func(_ *parser, s *statement, into *T) {
		*list(into) = append(*list(into), s)
	}
}

// vocabularies returns the words of all blocks.
func vocabularies() []vocabulary {
	return []vocabulary{
		documentGrammar.vocabulary(),
		globalsGrammar.vocabulary(),
		instanceGrammar.vocabulary(),
		authenticationGrammar.vocabulary(),
		syncGroupGrammar.vocabulary(),
		scriptGrammar.vocabulary(),
		trackFileGrammar.vocabulary(),
		trackProcessGrammar.vocabulary(),
		virtualServerGrammar.vocabulary(),
		realServerGrammar.vocabulary(),
		httpCheckGrammar.vocabulary(),
		sslCheckGrammar.vocabulary(),
		tcpCheckGrammar.vocabulary(),
		udpCheckGrammar.vocabulary(),
		dnsCheckGrammar.vocabulary(),
		smtpCheckGrammar.vocabulary(),
		smtpHostGrammar.vocabulary(),
		pingCheckGrammar.vocabulary(),
		miscCheckGrammar.vocabulary(),
		fileCheckGrammar.vocabulary(),
		credentialsGrammar.vocabulary(),
		urlGrammar.vocabulary(),
		droverGrammar.vocabulary(),
	}
}

// newParser returns a parser that has read nothing.
func newParser(r *report) *parser {
	return &parser{
		report:             r,
		vocabularies:       vocabularies(),
		globals:            defaultGlobals(),
		instanceNames:      map[string]Position{},
		memberOf:           map[string]string{},
		routers:            map[router]int{},
		vmacs:              map[string]int{},
		vmacNumbers:        map[router]int{},
		instanceAt:         map[string]int{},
		syncGroups:         map[string]Position{},
		listed:             map[listed]Position{},
		tracked:            map[trackKind]map[string]tracked{},
		groups:             map[string]*serverGroup{},
		told:               map[Position]bool{},
		endpoints:          map[endpoint]Position{},
		ownPriorityChanges: map[string]bool{},
	}
}

// parse reads the statements of a whole configuration. Blocks are read in the
// order in which they need each other, whatever their order in the file.
func parse(r *report, statements []*statement) *Config {
	p := newParser(r)
	var d document
	lost := missing{holders: p.incomplete, uses: p.incomplete}
	for _, one := range statements {
		lost.noteErrors(p, one, true, func(s *statement) { documentGrammar.read(p, []*statement{s}, &d) })
	}
	for _, s := range d.globals {
		globalsGrammar.read(p, s.block.statements, &p.globals)
	}
	p.completeGlobals()
	for _, s := range d.drover {
		droverGrammar.read(p, s.block.statements, &p.config.Drover)
	}
	for _, kind := range []struct {
		statements []*statement
		read       func(*statement)
		holds      bool
	}{
		{d.scripts, p.script, false},
		{d.files, p.trackFile, false},
		{d.processes, p.trackProcess, false},
		{d.staticAddresses, p.staticAddresses, true},
		{d.staticRoutes, p.staticRoutes, false},
		{d.staticRules, p.staticRules, false},
		{d.instances, p.instance, true},
		{d.syncGroups, p.syncGroup, false},
		{d.ssl, p.credentials, false},
		{d.groups, p.serverGroup, false},
		{d.servers, p.virtualServer, false},
	} {
		for _, s := range kind.statements {
			lost.noteErrors(p, s, kind.holds, kind.read)
		}
	}
	p.checkMeaning(lost)
	return &p.config
}
