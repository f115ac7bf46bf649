package netif

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"

	"golang.org/x/sys/unix"
)

// NICFacts are what tells how an interface will do with XDP.
type NICFacts struct {
	LinkInfo
	// Driver is the kernel module of a NIC, or what kind of device it is; empty if the driver does not tell.
	Driver string
	// Active are those of the asked features that are on, by the kernel's names of them (ethtool -k has others).
	Active []string
	// XDPProgram is the id of the XDP program on it, 0 for none; XDPMode is native, generic or offloaded.
	XDPProgram uint32
	XDPMode    string
	// ReversePathFilter is net.ipv4.conf.IF.rp_filter: 0 off, 1 strict, 2 loose. The larger of this and that of all counts.
	ReversePathFilter int
	// Addresses are those that it has, with prefix lengths.
	Addresses []netip.Prefix
}

// The features of NICs that XDP does not go well with.
const (
	FeatureLRO         = "rx-lro"                // large receive offload: refuses XDP, or the NIC turns it off
	FeatureHardwareGRO = "rx-gro-hw"             // merges packets before XDP sees them
	FeatureGRO         = "rx-gro"                // the same, but only for generic XDP on a device that is stacked on the NIC
	FeatureVLANOffload = "rx-vlan-hw-parse"      // takes 802.1Q tags off before XDP sees them
	FeatureSTagOffload = "rx-vlan-stag-hw-parse" // the same of 802.1ad
)

// NIC gathers the facts of an interface. The error wraps ErrNoInterface when there is none of that name.
func NIC(ifname string) (NICFacts, error) {
	link, err := linkByName(ifname)
	if err != nil {
		return NICFacts{}, err
	}
	facts := NICFacts{LinkInfo: linkInfo(link)}
	if xdp := link.Attrs().Xdp; xdp != nil && xdp.Attached {
		facts.XDPProgram, facts.XDPMode = xdp.ProgId, xdpModes[xdp.AttachMode]
	}
	if facts.Driver, err = driverOf(ifname); err != nil {
		return NICFacts{}, err
	}
	for _, feature := range []string{FeatureLRO, FeatureHardwareGRO, FeatureGRO, FeatureVLANOffload, FeatureSTagOffload} {
		active, err := hasFeature(ifname, feature)
		if err != nil {
			return NICFacts{}, fmt.Errorf("features of %s: %w", ifname, err)
		}
		if active {
			facts.Active = append(facts.Active, feature)
		}
	}
	if facts.ReversePathFilter, err = ReversePathFilter(ifname); err != nil {
		return NICFacts{}, err
	}
	facts.Addresses, err = Addresses(ifname)
	return facts, err
}

// xdpModes are the words for IFLA_XDP_ATTACHED.
var xdpModes = map[uint32]string{1: "native", 2: "generic", 3: "offloaded", 4: "several"}

// driverOf asks the driver for its name (ETHTOOL_GDRVINFO). A device without one, as lo, has none.
func driverOf(ifname string) (string, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return "", fmt.Errorf("ask for the driver of %s: %w", ifname, err)
	}
	info, err := unix.IoctlGetEthtoolDrvinfo(fd, ifname)
	if closed := unix.Close(fd); closed != nil {
		return "", closed
	}
	if errors.Is(err, unix.EOPNOTSUPP) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("ask for the driver of %s: %w", ifname, err)
	}
	return unix.ByteSliceToString(info.Driver[:]), nil
}

// ReversePathFilter reads net.ipv4.conf.IF.rp_filter; IF may be all.
func ReversePathFilter(ifname string) (int, error) {
	text, err := readSysctl("ipv4", ifname, "rp_filter")
	if err != nil {
		return 0, err
	}
	value, err := strconv.Atoi(text)
	if err != nil {
		return 0, fmt.Errorf("read net.ipv4.conf.%s.rp_filter: %w", ifname, err)
	}
	return value, nil
}
