package config

// parser turns the statements of a configuration into a Config.
type parser struct {
	*report

	// vocabularies are the words of all blocks, for suggestions.
	vocabularies []vocabulary

	globals globals
	config  Config

	// groups are the virtual server groups by name; members counts the
	// members of all.
	groups  map[string]*serverGroup
	members int

	// endpoints tell where the virtual server that has them is written.
	endpoints map[endpoint]Position
}

// document is the top level of a configuration, sorted by kind of block:
// globals must be known before what they are defaults for.
type document struct {
	globals, instances, groups, servers, drover []*statement
}

var documentGrammar = grammar[document]{
	served: map[string]keyword[document]{
		"global_defs": {block: true,
			read: collect(func(d *document) *[]*statement { return &d.globals })},
		"vrrp_instance": {min: 1, max: 1, needs: "a name", block: true,
			read: collect(func(d *document) *[]*statement { return &d.instances })},
		"virtual_server_group": {min: 1, max: 1, needs: "a name", block: true,
			read: collect(func(d *document) *[]*statement { return &d.groups })},
		"virtual_server": {min: 1, max: 2, needs: "an address, or group and a name", block: true,
			read: collect(func(d *document) *[]*statement { return &d.servers })},
		"drover": {block: true,
			read: collect(func(d *document) *[]*statement { return &d.drover })},
	},
	unserved: join(
		processKeywords,
		unserved("its instances change state on their own, not together", "vrrp_sync_group"),
		unserved("the script is never run and nothing follows its result", "vrrp_script"),
		unserved("nothing follows what it tracks",
			"track_file vrrp_track_file vrrp_track_process track_group static_track_group"),
		unserved("no BFD session is opened", "bfd_instance"),
		unserved("the operating system must set these up by itself", "static_ipaddress static_routes static_rules"),
		unserved("SSL_GET checks are not served either", "SSL"),
		unserved("gratuitous ARP is sent without a pause", "garp_group"),
		unserved("a link is followed by the kernel's notices only", "linkbeat_interfaces linkbeat_use_polling"),
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
		virtualServerGrammar.vocabulary(),
		realServerGrammar.vocabulary(),
		httpCheckGrammar.vocabulary(),
		urlGrammar.vocabulary(),
		droverGrammar.vocabulary(),
	}
}

// parse reads the statements of a whole configuration.
func parse(r *report, statements []*statement) *Config {
	p := &parser{
		report:       r,
		vocabularies: vocabularies(),
		globals:      defaultGlobals(),
		groups:       map[string]*serverGroup{},
		endpoints:    map[endpoint]Position{},
	}
	var d document
	documentGrammar.read(p, statements, &d)
	for _, s := range d.globals {
		globalsGrammar.read(p, s.block.statements, &p.globals)
	}
	p.globals.resolve()
	p.config.RouterID, p.config.LVSTimeouts = p.globals.routerID, p.globals.lvsTimeouts
	for _, s := range d.drover {
		droverGrammar.read(p, s.block.statements, &p.config.Drover)
	}
	for _, s := range d.instances {
		p.instance(s)
	}
	for _, s := range d.groups {
		p.serverGroup(s)
	}
	for _, s := range d.servers {
		p.virtualServer(s)
	}
	return &p.config
}
