package testbed

import (
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
)

// A Mirror writes every frame that enters the switch to a pcapng file, as a Tap sees it. The interface of a frame in
// the file is named after the host that it came from.
type Mirror struct {
	tap  *Tap
	once sync.Once     // for Close
	done chan struct{} // closed when the file is
	err  error         // why the file is not complete; valid when done is closed

	file  *os.File
	out   *pcapgo.NgWriter
	ports map[string]int // host name to interface of the file
}

// Mirror starts the switch's mirror port; it writes to a new file. Close ends and completes the file.
func (l *Lab) Mirror(path string) (*Mirror, error) {
	file, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("open mirror port: %w", err)
	}
	m := &Mirror{done: make(chan struct{}), file: file, ports: map[string]int{}}
	// A pcapng file has at least one interface; this one is what no frame comes from.
	options := pcapgo.DefaultNgWriterOptions
	options.SectionInfo.Application = "drover lab " + l.ID()
	m.out, err = pcapgo.NewNgWriterInterface(file, portInterface(bridgeName), options)
	if err == nil {
		m.tap, err = newTap(l.sw)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open mirror port: %w", err), file.Close())
	}
	l.closeLater(m)
	go m.run()
	return m, nil
}

func portInterface(name string) pcapgo.NgInterface {
	inter := pcapgo.DefaultNgInterface
	inter.Name, inter.LinkType = name, layers.LinkTypeEthernet
	return inter
}

func (m *Mirror) run() {
	defer close(m.done)
	for {
		frame, err := m.tap.Next()
		if errors.Is(err, os.ErrClosed) {
			break
		}
		if err == nil {
			err = m.write(frame)
		}
		if err != nil {
			m.err = err
			break
		}
	}
	m.err = errors.Join(m.err, m.out.Flush(), m.file.Close())
}

func (m *Mirror) write(f Frame) error {
	index, ok := m.ports[f.Port]
	if !ok {
		var err error
		if index, err = m.out.AddInterface(portInterface(f.Port)); err != nil {
			return err
		}
		m.ports[f.Port] = index
	}
	return m.out.WritePacket(gopacket.CaptureInfo{
		Timestamp: f.Time, CaptureLength: len(f.Data), Length: len(f.Data), InterfaceIndex: index,
	}, f.Data)
}

// Close ends the capture and completes the file. The error tells of frames that were missed, or of a failure to
// write. Only the first call does something.
func (m *Mirror) Close() (err error) {
	m.once.Do(func() {
		if err = m.tap.finish(); err == nil {
			<-m.done
		}
		err = errors.Join(err, m.err, m.tap.checkMissed(), m.tap.Close())
	})
	return err
}
