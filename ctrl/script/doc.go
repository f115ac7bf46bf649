// Package script runs the programs that a keepalived.conf names: track and notify scripts.
//
// A program is run without a shell, in a process group of its own, as the user that it is configured for, with the
// daemon's environment, /dev/null as its standard files and no other open file. See [Launcher.Run] for how it ends, and
// [Settings.Security] for what is refused.
package script
