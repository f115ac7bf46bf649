package config

import (
	"slices"
	"testing"
	"time"
)

// checkInstance holds an instance to what the election relies on.
func checkInstance(t *testing.T, i Instance) {
	if i.VirtualRouterID == 0 || i.Priority == 0 || i.Interface == "" || i.DownTimerAdverts < 1 || len(i.AuthPass) > maxPassword {
		t.Errorf("instance %+v", i)
	}
	unit, longest := time.Second, maxAdvertInterval
	if i.Version == 3 {
		unit, longest = 10*time.Millisecond, maxAdvertInterval3
	}
	if i.AdvertInterval < unit || i.AdvertInterval%unit != 0 || i.AdvertInterval > longest {
		t.Errorf("interval %s of version %d", i.AdvertInterval, i.Version)
	}
	if i.Version != 2 && i.Version != 3 || i.Version == 3 && (i.AuthType != AuthNone || len(i.Addresses) == 0) {
		t.Errorf("instance %s is of version %d", i.Name, i.Version)
	}
	if len(i.Addresses) > maxAddresses || i.ChecksumAsV2 && (i.IPv6() || i.Version == 2) {
		t.Errorf("%d addresses, v3_checksum_as_v2 %v", len(i.Addresses), i.ChecksumAsV2)
	}
	checkInstanceFamily(t, i)
	checkTracking(t, i.Tracking)
	if v := i.VMAC; v != nil && (v.Name == "" || len(v.Name) > maxInterfaceName || len(v.Address) != 6) {
		t.Errorf("virtual MAC %+v", v)
	}
	for _, r := range i.Routes {
		if !r.Destination.IsValid() || r.Destination != r.Destination.Masked() || r.Type == "" || r.Table == 0 ||
			(r.Type == "unicast") != (r.Via.IsValid() || r.Interface != "") {
			t.Errorf("route %+v", r)
		}
	}
	for _, r := range i.Rules {
		if r.Action == "" || (r.Action == "table") != (r.Table != 0) {
			t.Errorf("rule %+v", r)
		}
	}
}

// checkInstanceFamily holds an instance to one address family and one way to its
// members.
func checkInstanceFamily(t *testing.T, i Instance) {
	if i.IPv6() && i.Version != 3 || i.SourceAddress.IsValid() && i.SourceAddress.Is6() != i.IPv6() ||
		i.MulticastGroup.Is6() != i.IPv6() || !i.MulticastGroup.IsMulticast() {
		t.Errorf("family of %+v", i)
	}
	for _, a := range i.Addresses {
		if a.Prefix.Addr().Is6() != i.IPv6() {
			t.Errorf("address %s", a.Prefix)
		}
	}
	for _, peer := range i.Unicast {
		if peer.Address.Is6() != i.IPv6() || peer.Address == i.SourceAddress || peer.MinTTL > peer.MaxTTL {
			t.Errorf("peer %+v", peer)
		}
	}
	if i.UnicastFaultNoPeer && len(i.Unicast) > 0 || i.CheckUnicastSource && len(i.Unicast) == 0 {
		t.Errorf("unicast without a peer: %+v", i)
	}
}

// checkTracking holds weights to their range and names to one mention.
func checkTracking(t *testing.T, tracking Tracking) {
	for _, list := range [][]Track{tracking.TrackScripts, tracking.TrackFiles, tracking.TrackProcesses} {
		seen := map[string]bool{}
		for _, track := range list {
			if seen[track.Name] || max(track.Weight, -track.Weight) > maxFileWeight {
				t.Errorf("tracked: %+v", track)
			}
			seen[track.Name] = true
		}
	}
	for _, track := range tracking.TrackInterfaces {
		if track.Name == "" || max(track.Weight, -track.Weight) > maxScriptWeight {
			t.Errorf("tracked: %+v", track)
		}
	}
}

// checkTracked holds scripts, files, processes and groups to what their
// runners rely on.
func checkTracked(t *testing.T, c *Config) {
	for _, s := range c.Scripts {
		if len(s.Command) == 0 || s.Interval <= 0 || s.Timeout <= 0 || s.Rise < 1 || s.Fall < 1 {
			t.Errorf("script %+v", s)
		}
	}
	for _, f := range c.TrackFiles {
		if f.Path == "" {
			t.Errorf("file %+v", f)
		}
	}
	for _, p := range c.TrackProcesses {
		if len(p.Command) == 0 || p.Quorum > p.QuorumMax {
			t.Errorf("process %+v", p)
		}
	}
	var members []string
	for _, g := range c.SyncGroups {
		checkTracking(t, g.Tracking)
		for _, name := range g.Members {
			known := slices.ContainsFunc(c.Instances, func(i Instance) bool { return i.Name == name })
			if !known || slices.Contains(members, name) {
				t.Errorf("member %s of %s", name, g.Name)
			}
			members = append(members, name)
		}
	}
}
