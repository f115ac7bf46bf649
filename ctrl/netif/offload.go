package netif

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// ErrVLANOffload is wrapped by the error of CheckVLANOffload for a NIC that takes VLAN tags off.
var ErrVLANOffload = errors.New("the NIC takes VLAN tags off before an XDP program sees them")

// ErrGRO is wrapped by the error of CheckGRO for a NIC that merges packets.
var ErrGRO = errors.New("GRO merges packets before an XDP program in generic mode sees them, and they are larger than the MTU then")

// CheckGRO returns an error that names the remedy when the kernel merges the packets of a NIC (generic receive offload). It
// matters for a program in generic mode on a device that is stacked on the NIC; where one is attached to the NIC itself the
// kernel merges nothing. Needs no capability; Linux 5.6, with CONFIG_ETHTOOL_NETLINK.
func CheckGRO(ifname string) error {
	active, err := hasFeature(ifname, FeatureGRO)
	if err != nil {
		return fmt.Errorf("GRO of %s: %w", ifname, err)
	}
	if active {
		return fmt.Errorf("%s: %w (%s is on): ethtool -K %s gro off", ifname, ErrGRO, FeatureGRO, ifname)
	}
	return nil
}

// CheckVLANOffload returns an error that names the remedy when an interface takes off tags of a protocol in hardware, and
// hands them over beside the frame, where no XDP program of Linux 5.15 sees them. The outermost tag of Lower.Tags is the
// one that matters. Of a veth it does not tell all: there the other end's txvlan leaves tags beside the frame. Needs no
// capability; Linux 5.6, with CONFIG_ETHTOOL_NETLINK.
func CheckVLANOffload(ifname string, protocol VLANProtocol) error {
	feature, short := "rx-vlan-hw-parse", "rxvlan"
	if protocol == Dot1AD {
		feature, short = "rx-vlan-stag-hw-parse", "rx-vlan-stag-hw-parse"
	}
	active, err := hasFeature(ifname, feature)
	if err != nil {
		return fmt.Errorf("VLAN offload of %s: %w", ifname, err)
	}
	if active {
		return fmt.Errorf("%s: %w (%s is on): ethtool -K %s %s off", ifname, ErrVLANOffload, feature, ifname, short)
	}
	return nil
}

// hasFeature asks for an active feature by its ethtool name (ETHTOOL_MSG_FEATURES_GET in the kernel's
// Documentation/networking/ethtool-netlink.rst).
func hasFeature(ifname, feature string) (bool, error) {
	request, err := featuresRequest(unix.ETHTOOL_MSG_FEATURES_GET, 0, ifname)
	if err != nil {
		return false, err
	}
	answers, err := request.Execute(unix.NETLINK_GENERIC, 0)
	if errors.Is(err, unix.ENODEV) {
		return false, ErrNoInterface
	}
	if err != nil {
		return false, fmt.Errorf("ask for its features: %w", err)
	}
	for _, answer := range answers {
		if active, err := activeFeature(answer, feature); active || err != nil {
			return active, err
		}
	}
	return false, nil
}

// featuresRequest begins a request of ethtool netlink that is about the features of an interface.
func featuresRequest(command uint8, flags int, ifname string) (*nl.NetlinkRequest, error) {
	family, err := netlink.GenlFamilyGet(unix.ETHTOOL_GENL_NAME)
	if err != nil {
		return nil, fmt.Errorf("find ethtool netlink: %w", err)
	}
	request := nl.NewNetlinkRequest(int(family.ID), flags)
	request.AddData(&nl.Genlmsg{Command: command, Version: unix.ETHTOOL_GENL_VERSION})
	header := nl.NewRtAttr(unix.ETHTOOL_A_FEATURES_HEADER|unix.NLA_F_NESTED, nil)
	header.AddRtAttr(unix.ETHTOOL_A_HEADER_DEV_NAME, nl.ZeroTerminated(ifname))
	request.AddData(header)
	return request, nil
}

// activeFeature looks for a name in an answer: message, active features, list of bits, bit, name. The list holds only
// the bits that are set.
func activeFeature(answer []byte, feature string) (bool, error) {
	if len(answer) < nl.SizeofGenlmsg {
		return false, fmt.Errorf("ethtool answer of %d bytes", len(answer))
	}
	attributes := answer[nl.SizeofGenlmsg:]
	for _, kind := range []uint16{unix.ETHTOOL_A_FEATURES_ACTIVE, unix.ETHTOOL_A_BITSET_BITS} {
		var err error
		if attributes, err = attribute(attributes, kind); err != nil {
			return false, err
		}
	}
	bits, err := nl.ParseRouteAttr(attributes)
	if err != nil {
		return false, fmt.Errorf("decode ethtool answer: %w", err)
	}
	for _, bit := range bits {
		name, err := attribute(bit.Value, unix.ETHTOOL_A_BITSET_BIT_NAME)
		if err != nil {
			return false, err
		}
		if string(bytes.TrimRight(name, "\x00")) == feature {
			return true, nil
		}
	}
	return false, nil
}

// attribute returns the value of the first attribute of a kind; nil when there is none.
func attribute(data []byte, kind uint16) ([]byte, error) {
	attributes, err := nl.ParseRouteAttr(data)
	if err != nil {
		return nil, fmt.Errorf("decode ethtool answer: %w", err)
	}
	for _, a := range attributes {
		if a.Attr.Type&^(unix.NLA_F_NESTED|unix.NLA_F_NET_BYTEORDER) == kind {
			return a.Value, nil
		}
	}
	return nil, nil
}
