package main

import (
	"testing"
)

func TestNewConnectionsAlternateBetweenTheRealServers(t *testing.T) {
	n := newNetwork(t)
	n.start(n.high)
	n.untilState(n.high, "MASTER")
	var answers []string
	for range 6 {
		who, err := n.get()
		if err != nil {
			t.Fatal(err)
		}
		answers = append(answers, who)
	}
	for i := 2; i < len(answers); i++ {
		if answers[i] != answers[i-2] || answers[i] == answers[i-1] {
			t.Fatalf("answers do not alternate: %v", answers)
		}
	}
}
