package netif

import (
	"errors"
	"testing"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

func turnOff(ifname, feature string) error { return turn(ifname, feature, false) }

// turn does what ethtool -K INTERFACE FEATURE on or off does (ETHTOOL_MSG_FEATURES_SET).
func turn(ifname, feature string, on bool) error {
	request, err := featuresRequest(unix.ETHTOOL_MSG_FEATURES_SET, unix.NLM_F_ACK, ifname)
	if err != nil {
		return err
	}
	wanted := nl.NewRtAttr(unix.ETHTOOL_A_FEATURES_WANTED|unix.NLA_F_NESTED, nil)
	bit := wanted.AddRtAttr(unix.ETHTOOL_A_BITSET_BITS|unix.NLA_F_NESTED, nil).AddRtAttr(unix.ETHTOOL_A_BITSET_BITS_BIT|unix.NLA_F_NESTED, nil)
	bit.AddRtAttr(unix.ETHTOOL_A_BITSET_BIT_NAME, nl.ZeroTerminated(feature))
	if on {
		bit.AddRtAttr(unix.ETHTOOL_A_BITSET_BIT_VALUE, nil)
	}
	request.AddData(wanted)
	_, err = request.Execute(unix.NETLINK_GENERIC, 0)
	return err
}

func TestAVLANOffloadIsAnErrorUntilItIsTurnedOff(t *testing.T) {
	for _, test := range []struct {
		protocol VLANProtocol
		feature  string
		want     string
	}{
		{Dot1Q, "rx-vlan-hw-parse", "enp1s0: the NIC takes VLAN tags off before an XDP program sees them " +
			"(rx-vlan-hw-parse is on): ethtool -K enp1s0 rxvlan off"},
		{Dot1AD, "rx-vlan-stag-hw-parse", "enp1s0: the NIC takes VLAN tags off before an XDP program sees them " +
			"(rx-vlan-stag-hw-parse is on): ethtool -K enp1s0 rx-vlan-stag-hw-parse off"},
	} {
		t.Run(test.protocol.String(), func(t *testing.T) {
			h, _ := newLAN(t)
			h.must(func() error {
				err := CheckVLANOffload(testInterface, test.protocol)
				if !errors.Is(err, ErrVLANOffload) || err.Error() != test.want {
					t.Errorf("error %v, want %s", err, test.want)
				}
				if err := turnOff(testInterface, test.feature); err != nil {
					return err
				}
				return CheckVLANOffload(testInterface, test.protocol)
			})
		})
	}
}

func TestGROIsAnErrorUntilItIsTurnedOff(t *testing.T) {
	h, _ := newLAN(t)
	h.must(func() error {
		if err := turn(testInterface, FeatureGRO, true); err != nil {
			return err
		}
		want := "enp1s0: GRO merges packets before an XDP program in generic mode sees them, and they are larger than the MTU then " +
			"(rx-gro is on): ethtool -K enp1s0 gro off"
		if err := CheckGRO(testInterface); !errors.Is(err, ErrGRO) || err.Error() != want {
			t.Errorf("error %v, want %s", err, want)
		}
		if err := turnOff(testInterface, FeatureGRO); err != nil {
			return err
		}
		if err := CheckGRO("enp9s0"); !errors.Is(err, ErrNoInterface) {
			t.Errorf("of an absent interface: error %v", err)
		}
		return CheckGRO(testInterface)
	})
}

func TestTheVLANOffloadOfAnAbsentInterfaceIsAnError(t *testing.T) {
	h, _ := newLAN(t)
	h.must(func() error {
		if err := CheckVLANOffload("enp9s0", Dot1Q); !errors.Is(err, ErrNoInterface) {
			t.Errorf("error %v", err)
		}
		return nil
	})
}

func TestABrokenEthtoolAnswerIsAnError(t *testing.T) {
	for _, answer := range []string{"", "0b01", "0b010000 0800 0400"} {
		if active, err := activeFeature(unhex(t, answer), "rx-vlan-hw-parse"); active || err == nil {
			t.Errorf("%q: active = %v, %v", answer, active, err)
		}
	}
}
