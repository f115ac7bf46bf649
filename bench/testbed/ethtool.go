package testbed

import (
	"fmt"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// Features of an interface, by the names that ethtool(8) shows.
const (
	txChecksum     = "tx-checksum-ip-generic"
	scatterGather  = "tx-scatter-gather" // segmentation depends on it and goes with it
	genericReceive = "rx-gro"
	genericSegment = "tx-generic-segmentation"
	vlanInsert     = "tx-vlan-hw-insert" // of 802.1Q tags
	vlanInsertAD   = "tx-vlan-stag-hw-insert"
)

// segmentation is all that a veth has, and that keeps its other end from merging.
var segmentation = []string{
	"tx-tcp-segmentation", "tx-tcp6-segmentation", "tx-tcp-ecn-segmentation", "tx-tcp-mangleid-segmentation",
}

// Merge has the kernel merge the segments that come in by the host's first interface (GRO), as NICs have it by default, or
// not, as it is after a boot.
func (h *Host) Merge(on bool) error {
	if err := h.lab.sw.Do(func() error { return setFeatures(portOnSwitch(h.Name(), 0), !on, segmentation...) }); err != nil {
		return err
	}
	return h.Do(func() error { return setFeatures(h.Interface(), on, genericReceive) })
}

// disable turns features of an interface in the calling thread's network namespace off.
func disable(ifname string, features ...string) error { return setFeatures(ifname, false, features...) }

// setFeatures turns features on or off (ETHTOOL_MSG_FEATURES_SET in the kernel's Documentation/networking/ethtool-netlink.rst).
func setFeatures(ifname string, on bool, features ...string) error {
	family, err := netlink.GenlFamilyGet(unix.ETHTOOL_GENL_NAME)
	if err != nil {
		return fmt.Errorf("find ethtool netlink: %w", err)
	}
	request := nl.NewNetlinkRequest(int(family.ID), unix.NLM_F_ACK)
	request.AddData(&nl.Genlmsg{Command: unix.ETHTOOL_MSG_FEATURES_SET, Version: unix.ETHTOOL_GENL_VERSION})
	header := nl.NewRtAttr(unix.ETHTOOL_A_FEATURES_HEADER|unix.NLA_F_NESTED, nil)
	header.AddRtAttr(unix.ETHTOOL_A_HEADER_DEV_NAME, nl.ZeroTerminated(ifname))
	request.AddData(header)
	wanted := nl.NewRtAttr(unix.ETHTOOL_A_FEATURES_WANTED|unix.NLA_F_NESTED, nil)
	bits := wanted.AddRtAttr(unix.ETHTOOL_A_BITSET_BITS|unix.NLA_F_NESTED, nil)
	for _, feature := range features {
		bit := bits.AddRtAttr(unix.ETHTOOL_A_BITSET_BITS_BIT|unix.NLA_F_NESTED, nil)
		bit.AddRtAttr(unix.ETHTOOL_A_BITSET_BIT_NAME, nl.ZeroTerminated(feature))
		if on {
			bit.AddRtAttr(unix.ETHTOOL_A_BITSET_BIT_VALUE, nil)
		}
	}
	request.AddData(wanted)
	if _, err := request.Execute(unix.NETLINK_GENERIC, 0); err != nil {
		return fmt.Errorf("set features of %s: %w", ifname, err)
	}
	return nil
}
