package config

import (
	"encoding/hex"
	"fmt"
	"net"
	"strings"
)

// maxInterfaceName is the size of an interface name in bytes (IFNAMSIZ less the
// final zero).
const maxInterfaceName = 15

// readVMAC reads use_vmac [NAME] [MAC]. A MAC of five bytes gets the
// virtual_router_id as its sixth.
func readVMAC(p *parser, s *statement, into *instanceDraft) {
	v := &VMAC{Position: s.keyword().Position}
	into.VMAC = v
	for index, w := range s.args()[:min(2, len(s.args()))] {
		switch {
		case strings.Contains(w.text, ":"):
			v.Address = p.macAddress(w)
		case index == 0:
			v.Name = w.text
			p.interfaceName(w)
		default:
			p.errorf(w.Position, "%q is not a MAC address, such as 02:00:00:00:00:01", w.text)
		}
	}
}

// interfaceName finds what the kernel would refuse as the name of an interface.
func (p *parser) interfaceName(w word) {
	switch {
	case len(w.text) > maxInterfaceName:
		p.errorf(w.Position, "%q is longer than %d bytes: no interface can have this name", w.text, maxInterfaceName)
	case w.text == "" || w.text == "." || w.text == ".." || strings.ContainsAny(w.text, "/: \t"):
		p.errorf(w.Position, "%q cannot be the name of an interface", w.text)
	}
}

// macAddress reads five or six bytes of a unicast MAC address.
func (p *parser) macAddress(w word) net.HardwareAddr {
	var mac net.HardwareAddr
	for part := range strings.SplitSeq(w.text, ":") {
		b, err := hex.DecodeString(part)
		if err != nil || len(b) != 1 {
			mac = nil
			break
		}
		mac = append(mac, b[0])
	}
	switch {
	case len(mac) != 5 && len(mac) != 6:
		p.errorf(w.Position, "%q is not a MAC address, such as 02:00:00:00:00:01", w.text)
		return nil
	case mac[0]&1 != 0:
		p.errorf(w.Position, "%s is a multicast MAC address: the first byte must be even", w.text)
		return nil
	}
	return mac
}

// completeVMAC gives the virtual MAC address its defaults.
func (p *parser) completeVMAC(i *instanceDraft) {
	if i.VMAC == nil {
		if i.transmitBaseAt.written() {
			p.warnf(i.transmitBaseAt, "vmac_xmit_base has no effect without use_vmac")
		}
		return
	}
	i.VMAC.TransmitBase = i.transmitBaseAt.written()
	if len(i.Unicast) > 0 && !i.VMAC.TransmitBase {
		i.VMAC.TransmitBase = true
		p.warnf(i.VMAC.Position, "use_vmac with unicast_peer needs vmac_xmit_base: it is set")
	}
	if i.VMAC.Name == "" {
		p.nameVMAC(i)
	} else if other := p.hasVMAC(i.VMAC.Name); other != nil {
		p.errorf(i.VMAC.Position, "instance %s wants the interface %s, which instance %s at %s makes: write another name",
			i.Name, i.VMAC.Name, other.Name, other.VMAC.Position)
	}
	switch len(i.VMAC.Address) {
	case 0:
		i.VMAC.Address = i.virtualMAC()
	case 5:
		i.VMAC.Address = append(i.VMAC.Address, i.VirtualRouterID)
	}
	if i.VMAC.Name == i.Interface {
		p.errorf(i.VMAC.Position, "use_vmac makes an interface of its own: it cannot be %s", i.Interface)
	}
	i.moveToVMAC(i.Addresses)
	i.moveToVMAC(i.ExcludedAddresses)
}

// virtualMAC returns the virtual MAC address of RFC 9568 section 7.3.
func (i Instance) virtualMAC() net.HardwareAddr {
	family := byte(1)
	if i.MulticastGroup.Is6() {
		family = 2
	}
	return net.HardwareAddr{0, 0, 0x5e, 0, family, i.VirtualRouterID}
}

// moveToVMAC puts addresses of the family of the instance that are on its
// interface on the virtual MAC address, as keepalived does.
func (i *instanceDraft) moveToVMAC(addresses []VirtualAddress) {
	for n := range addresses {
		a := &addresses[n]
		a.OnVMAC = a.Interface == i.Interface && a.Prefix.Addr().Is6() == i.MulticastGroup.Is6()
	}
}

// nameVMAC gives a VMAC without a name the default one. Where that is taken,
// because another interface has the same virtual_router_id, it gets a number, as
// in keepalived: vrrp1.51.
func (p *parser) nameVMAC(i *instanceDraft) {
	prefix, number := p.globals.vmacPrefix, 0
	if i.MulticastGroup.Is6() {
		number = 6
	}
	kind := router{id: i.VirtualRouterID, ipv6: number == 6}
	number = max(number, p.vmacNumbers[kind])
	for i.VMAC.Name == "" || p.hasVMAC(i.VMAC.Name) != nil {
		i.VMAC.Name = fmt.Sprintf("%s%d.%d", prefix, number, i.VirtualRouterID)
		if number == 0 {
			i.VMAC.Name = fmt.Sprintf("%s.%d", prefix, i.VirtualRouterID)
		}
		number++
	}
	p.vmacNumbers[kind] = number
	p.interfaceName(word{i.VMAC.Position, i.VMAC.Name})
}

// hasVMAC returns the instance whose VMAC has a name, or nil.
func (p *parser) hasVMAC(name string) *Instance {
	if n, ok := p.vmacs[name]; ok {
		return &p.config.Instances[n]
	}
	return nil
}
