package testbed

import (
	"bytes"
	"encoding/binary"
	"errors"
	"time"

	"golang.org/x/sys/unix"
)

// tapNotes are what the kernel says of a frame beside the frame itself.
type tapNotes struct {
	at  time.Time
	tag []byte // the outermost VLAN tag, which the kernel has taken off; nil for none
}

func readNotes(oob []byte) (notes tapNotes, err error) {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return notes, err
	}
	for _, m := range messages {
		switch {
		case m.Header.Level == unix.SOL_SOCKET && m.Header.Type == unix.SO_TIMESTAMPNS && len(m.Data) == 16:
			seconds, nanoseconds := binary.NativeEndian.Uint64(m.Data), binary.NativeEndian.Uint64(m.Data[8:])
			notes.at = time.Unix(int64(seconds), int64(nanoseconds))
		case m.Header.Level == unix.SOL_PACKET && m.Header.Type == unix.PACKET_AUXDATA:
			if notes.tag, err = vlanTag(m.Data); err != nil {
				return notes, err
			}
		}
	}
	if notes.at.IsZero() {
		return notes, errors.New("a frame without a time stamp")
	}
	return notes, nil
}

// vlanTag reads a struct tpacket_auxdata.
func vlanTag(data []byte) ([]byte, error) {
	var aux unix.TpacketAuxdata
	if _, err := binary.Decode(data, binary.NativeEndian, &aux); err != nil {
		return nil, err
	}
	const valid = unix.TP_STATUS_VLAN_VALID | unix.TP_STATUS_VLAN_TPID_VALID
	if aux.Status&valid != valid {
		return nil, nil
	}
	return binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(nil, aux.Vlan_tpid), aux.Vlan_tci), nil
}

// withTag puts the tag back behind the two MACs.
func (n tapNotes) withTag(frame []byte) []byte {
	const macs = 12
	if n.tag == nil || len(frame) < macs {
		return frame
	}
	return bytes.Join([][]byte{frame[:macs], n.tag, frame[macs:]}, nil)
}
