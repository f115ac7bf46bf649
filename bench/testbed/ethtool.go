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

// disable turns features of an interface in the calling thread's network namespace off (ETHTOOL_MSG_FEATURES_SET in the
// kernel's Documentation/networking/ethtool-netlink.rst).
func disable(ifname string, features ...string) error {
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
	for _, feature := range features { // a bit that is named without a value is to be off
		bit := bits.AddRtAttr(unix.ETHTOOL_A_BITSET_BITS_BIT|unix.NLA_F_NESTED, nil)
		bit.AddRtAttr(unix.ETHTOOL_A_BITSET_BIT_NAME, nl.ZeroTerminated(feature))
	}
	request.AddData(wanted)
	if _, err := request.Execute(unix.NETLINK_GENERIC, 0); err != nil {
		return fmt.Errorf("turn features of %s off: %w", ifname, err)
	}
	return nil
}
