package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"

	"drover/ctrl/api"
)

// pool asks the balancer with `drover status --json` for the real servers of its virtual server.
func (s *site) pool(ctx context.Context, balancer string) (map[netip.Addr]api.RealServer, error) {
	output, err := s.lab.Host(balancer).Command(ctx, s.drover, "status", "--json").Output()
	if err != nil {
		return nil, err
	}
	var status api.Status
	if err := json.Unmarshal(output, &status); err != nil {
		return nil, fmt.Errorf("read drover status of %s: %w", balancer, err)
	}
	pool := map[netip.Addr]api.RealServer{}
	for _, virtual := range status.VirtualServers {
		for _, real := range virtual.RealServers {
			address, err := netip.ParseAddr(real.Address)
			if err != nil {
				return nil, fmt.Errorf("read drover status of %s: %w", balancer, err)
			}
			pool[address] = real
		}
	}
	return pool, nil
}
