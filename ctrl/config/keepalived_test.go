package config

import (
	"bytes"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// inNamespace runs keepalived -t over files, in a network namespace that has the
// interfaces of the test data and ends with the shell.
const inNamespace = `
set -e
ip link add enp1s0 type veth peer name enp2s0
ip link add eth1 type veth peer name eth2
set +e
for file in "$@"; do
	echo "== $file"
	keepalived --config-test --log-console --use-file "$file"
	echo "exit $?"
done
`

// objection is something that keepalived says.
type objection struct {
	says, reason string
	silent       bool
}

// objections are what keepalived 2.2.7 says about files that Drover accepts, with
// the reason why Drover does not refuse them. keepalived itself starts with all
// of them, and Drover has a warning for each but the silent ones.
var objections = []objection{
	{"nb_get_retry is deprecated", "the tutorial writes it", true},
	{"Config files missing 'absent.conf'", "plain include does not insist", false},
	{"must be an integer. rounding", "rounded as keepalived does", false},
	{"No VIP specified", "an election without addresses is possible", false},
	{"nopreempt is incompatible with", "without effect in Drover, too", false},
	{"preempt delay will not work with", "without effect in Drover, too", false},
	{"preempt_delay is incompatible with", "without effect in Drover, too", false},
	{"cannot track route", "no route is tracked", true},
	{"nopreempt will not work with initial state MASTER", "without effect in Drover, too", false},
	{"must be in units of 10ms", "rounded as keepalived does", false},
	{"Must be less than 40.96s", "cut as keepalived does", false},
	{"does not support authentication", "passed over as keepalived does", false},
	{"'v3_checksum_as_v2'", "a later keepalived knows it", true},
	{"owner_ignore_adverts'", "a later keepalived knows it", true},
	{"without any unicast peers", "multicast as in keepalived", false},
	{"multicast destination specified with unicast", "without effect in Drover, too", false},
	{"requires vmac_xmit_base - setting", "set as keepalived does", false},
	{"vmac_xmit_base is only valid with a vmac", "without effect in Drover, too", false},
	{"State MASTER must match being address owner", "corrected as keepalived does", false},
	{"is incompatible with strict mode", "reset as keepalived does", false},
	{"accept mode for VRRP version 2", "reset as keepalived does", false},
	{"requires no repeat garps", "reset as keepalived does", false},
	{"requires no lower priority advert", "reset as keepalived does", false},
	{"requires higher_prio_send_advert to be clear", "reset as keepalived does", false},
	{"due to SYNC group", "weights of members do not count in Drover, too", false},
	{"due to address", "weights do not count for the owner in Drover, too", false},
	{"is configured on VRRP instance and sync group", "counted once, for the group", false},
	{"since own interface", "tracked anyway", false},
	{"cannot be +/-254", "cut as keepalived does", false},
	{"duplicate track_", "tracked once, as in keepalived", false},
	{"already specified - ignoring", "the first counts, as in keepalived", false},
	{"global_tracking is deprecated", "served", true},
	{"has only 1 virtual router(s)", "a group of one is a group", false},
	{"Rule has no preference specified", "the one that keepalived takes", false},
	{"Truncating auth_pass to 8 characters", "cut as keepalived does", false},
	{"ports don't match", "direct return cannot change ports, as in IPVS", false},
	{"one packet scheduling requires UDP", "without effect as in keepalived", false},
	{"only applies to sh scheduler - ignoring", "without effect in Drover, too", false},
	{"exceeds total weight of real servers", "lowered as keepalived does", false},
	{"number '0' outside range [1,", "raised as keepalived does", false},
	{"SECURITY VIOLATION", "scripts run without script_security, as in keepalived", true},
	{"Quorum 0 must be in", "raised as keepalived does", false},
	{"setting hysteresis to", "lowered as keepalived does", false},
	{"SSL context already specified", "the last counts, as in keepalived", false},
	{"Ignoring sorry_server inhibit", "without effect in Drover, too", false},
	{"sorry_server forwarding used without", "without effect in Drover, too", false},
	{"no protocol set - defaulting to UDP", "UDP as in keepalived", false},
	{"no scheduler set, setting default 'wlc'", "wlc as in keepalived", false},
	{"zero port only valid for persistent services", "made persistent as in keepalived", false},
	{"Unknown keyword 'slow_start'", "Drover's own; keepalived starts without it", true},
	{"has no real servers - ignoring", "left out as keepalived does", false},
}

// TestKeepalivedAcceptsWhatIsAccepted gives every configuration of the test data
// that has no error to keepalived.
func TestKeepalivedAcceptsWhatIsAccepted(t *testing.T) {
	needKeepalived(t)
	accepted := acceptedFiles(t)
	met := map[string]bool{}
	for file, said := range askKeepalived(t, slices.Collect(maps.Keys(accepted))) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			compare(t, said, accepted[file], met)
		})
	}
	for _, o := range objections {
		if !met[o.says] {
			t.Errorf("keepalived no longer says %q", o.says)
		}
	}
}

// compare explains what keepalived said about one file.
func compare(t *testing.T, said answer, findings Findings, met map[string]bool) {
	if said.text == "" && said.status != 0 {
		t.Errorf("keepalived ends with %d", said.status)
	}
	for line := range strings.Lines(said.text) {
		i := slices.IndexFunc(objections, func(o objection) bool { return strings.Contains(line, o.says) })
		if i < 0 {
			t.Errorf("keepalived says %s", line)
			continue
		}
		met[objections[i].says] = true
		if len(findings) == 0 && !objections[i].silent {
			t.Errorf("keepalived says %sDrover says nothing", line)
		}
	}
}

// answer is what keepalived says about a file, and its exit status.
type answer struct {
	text   string
	status int
}

// askKeepalived returns what keepalived -t says about each file.
func askKeepalived(t *testing.T, files []string) map[string]answer {
	t.Helper()
	args := append([]string{"--net", "sh", "-c", inNamespace, "sh"}, files...)
	output, err := exec.Command("unshare", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("run keepalived in a network namespace: %v\n%s", err, output)
	}
	answers := map[string]answer{}
	for _, section := range strings.Split("\n"+string(output), "\n== ")[1:] {
		file, rest, _ := strings.Cut(section, "\n")
		end := strings.LastIndex("\n"+rest, "\nexit ")
		if end < 0 {
			t.Fatalf("no exit status in %q", section)
		}
		status, err := strconv.Atoi(strings.TrimSpace(rest[end+len("exit "):]))
		if err != nil {
			t.Fatal(err)
		}
		answers[file] = answer{strings.TrimSpace(rest[:end]), status}
	}
	if len(answers) != len(files) {
		t.Fatalf("keepalived read %d of %d files\n%s", len(answers), len(files), output)
	}
	return answers
}

// acceptedFiles returns the files without error, with their findings.
// keepalived does not know Drover's own block, which ends the reference.
func acceptedFiles(t *testing.T) map[string]Findings {
	t.Helper()
	accepted := map[string]Findings{}
	for _, pattern := range []string{"*.conf", "findings/*.conf", "tutorial/*.conf"} {
		files, err := filepath.Glob(filepath.Join("testdata", pattern))
		if err != nil || len(files) == 0 {
			t.Fatalf("no configurations in testdata/%s (%v)", pattern, err)
		}
		for _, file := range files {
			config, findings := Load(filepath.Base(file), directory(filepath.Dir(file)))
			if config == nil {
				continue
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if common, _, found := bytes.Cut(text, []byte("\ndrover {")); found {
				file = filepath.Join(t.TempDir(), filepath.Base(file))
				if err := os.WriteFile(file, append(common, '\n'), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			accepted[file] = findings
		}
	}
	return accepted
}

// needKeepalived skips the test where keepalived cannot be run. With
// DROVER_TEST_STRICT=1 that is a failure.
func needKeepalived(t *testing.T) {
	t.Helper()
	skip := t.Skipf
	if os.Getenv("DROVER_TEST_STRICT") == "1" {
		skip = t.Fatalf
	}
	for _, tool := range []string{"keepalived", "unshare", "ip"} {
		if _, err := exec.LookPath(tool); err != nil {
			skip("the comparison with keepalived needs %s: %v", tool, err)
		}
	}
	if os.Getuid() != 0 {
		skip("the comparison with keepalived needs root for a network namespace")
	}
}
