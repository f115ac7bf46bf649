package main

import (
	"fmt"
	"strings"
)

// tutorialConfig is what the first users have on a balancer.
func tutorialConfig(priority int) string {
	return instance(priority, vip.String()) + virtualServer(vip.String()+" 80", "rr", "TCP",
		realServer("192.168.100.150 80", 1), realServer("192.168.100.151 80", 1))
}

// instance is a vrrp_instance that holds VIPs.
func instance(priority int, vips ...string) string {
	var addresses strings.Builder
	for _, address := range vips {
		fmt.Fprintf(&addresses, "    %s/24 dev enp1s0\n", address)
	}
	return fmt.Sprintf(`
vrrp_instance SERVICE {
  state MASTER
  interface enp1s0
  garp_master_delay 5
  virtual_router_id 110
  priority %d
  advert_int 1
  authentication {
    auth_type PASS
    auth_pass def345
  }
  virtual_ipaddress {
%s  }
}
`, priority, &addresses)
}

func virtualServer(address, scheduler, protocol string, realServers ...string) string {
	return fmt.Sprintf(`
virtual_server %s {
  delay_loop 1
  lb_algo %s
  lb_kind DR
  protocol %s
%s}
`, address, scheduler, protocol, strings.Join(realServers, ""))
}

// with adds settings to a virtual server.
func with(virtualServer string, settings ...string) string {
	const kind = "  lb_kind DR\n"
	return strings.Replace(virtualServer, kind, kind+"  "+strings.Join(settings, "\n  ")+"\n", 1)
}

// unchecked is a real server that is up as soon as it is found.
func unchecked(address string, weight int, settings ...string) string {
	settings = append([]string{fmt.Sprintf("weight %d", weight)}, settings...)
	return fmt.Sprintf("  real_server %s {\n    %s\n  }\n", address, strings.Join(settings, "\n    "))
}

// realServer is checked on its port 80, as in the tutorial.
func realServer(address string, weight int) string {
	return fmt.Sprintf(`  real_server %s {
    weight %d
    inhibit_on_failure
    HTTP_GET {
      url {
        path /index.html
        status_code 200
      }
      connect_port 80
      connect_timeout 1
      nb_get_retry 1
      delay_before_retry 1
    }
  }
`, address, weight)
}
