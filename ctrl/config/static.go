package config

// staticAddresses reads static_ipaddress.
func (p *parser) staticAddresses(s *statement) {
	for _, line := range s.block.statements {
		a, ok := p.virtualAddress(line)
		if !ok {
			continue
		}
		if a.Interface == "" {
			a.Interface, a.interfaceAt = p.globals.defaultInterface, a.Position
		}
		p.config.StaticAddresses = append(p.config.StaticAddresses, a.VirtualAddress)
		p.config.interfaces = append(p.config.interfaces, interfaceUse{a.interfaceAt, a.Interface})
	}
}

// staticRoutes reads static_routes.
func (p *parser) staticRoutes(s *statement) {
	p.routes(s, &p.config.StaticRoutes, &p.config.interfaces)
}

// staticRules reads static_rules.
func (p *parser) staticRules(s *statement) {
	p.rules(s, &p.config.StaticRules, &p.config.interfaces)
}

func readVirtualRoutes(p *parser, s *statement, into *instanceDraft) {
	p.routes(s, &into.Routes, &into.routingUses)
}

func readVirtualRules(p *parser, s *statement, into *instanceDraft) {
	p.rules(s, &into.Rules, &into.routingUses)
}
