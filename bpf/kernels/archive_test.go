package kernels

import (
	"bytes"
	"fmt"
	"maps"
	"path"
	"slices"
)

// archive is a root file system: the content of each file by its path, all of them executable. Its directories must
// not be nested.
type archive map[string][]byte

// Modes of the entries of an archive (inode(7)).
const (
	directory  = 0o40755
	executable = 0o100755
)

// cpio writes the archive as the kernel unpacks it, in the "newc" format (Documentation/driver-api/early-userspace/
// buffer-format.rst).
func (a archive) cpio() []byte {
	var out bytes.Buffer
	made := make(map[string]bool)
	for _, name := range slices.Sorted(maps.Keys(a)) {
		if dir := path.Dir(name); dir != "." && !made[dir] {
			made[dir] = true
			writeEntry(&out, dir, directory, nil)
		}
		writeEntry(&out, name, executable, a[name])
	}
	writeEntry(&out, "TRAILER!!!", 0, nil)
	return out.Bytes()
}

// writeEntry writes one header, name and content, the last two padded to four bytes. The header is a magic number and
// hexadecimal fields: inode, mode, uid, gid, links, mtime, size, four device numbers, the name's size, and a checksum
// that this format leaves zero. Hard links are told by the inode only when an entry has more than one link.
func writeEntry(out *bytes.Buffer, name string, mode uint32, content []byte) {
	out.WriteString("070701")
	for _, field := range []uint32{0, mode, 0, 0, 1, 0, uint32(len(content)), 0, 0, 0, 0, uint32(len(name) + 1), 0} {
		fmt.Fprintf(out, "%08x", field)
	}
	out.WriteString(name + "\x00")
	pad(out)
	out.Write(content)
	pad(out)
}

func pad(out *bytes.Buffer) {
	for out.Len()%4 != 0 {
		out.WriteByte(0)
	}
}
