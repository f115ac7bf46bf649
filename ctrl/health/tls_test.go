package health

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// keyPair makes a key and a certificate that nobody has signed and that has long run out.
func keyPair(t *testing.T, name string) (certificate tls.Certificate, certificatePEM, keyPEM []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Unix(1, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certificatePEM = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	keyPEM = pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: keyDER})
	certificate, err = tls.X509KeyPair(certificatePEM, keyPEM)
	if err != nil {
		t.Fatal(err)
	}
	return certificate, certificatePEM, keyPEM
}

// serveTLS shakes hands as the configuration says, reads the request and lets the function answer.
func serveTLS(t *testing.T, config *tls.Config, answer func(raw *net.TCPConn, conn *tls.Conn)) Target {
	t.Helper()
	if len(config.Certificates) == 0 {
		certificate, _, _ := keyPair(t, "server")
		config.Certificates = []tls.Certificate{certificate}
	}
	return serve(t, "tcp", "127.0.0.1:0", func(raw *net.TCPConn) {
		conn := tls.Server(raw, config)
		if err := conn.Handshake(); err == nil { // the probe's verdict tells what is wrong with it
			readRequest(t, conn)
			answer(raw, conn)
		}
	})
}

const okAnswer = "HTTP/1.0 200 OK\r\n\r\nhello"

// say sends an answer and ends it as TLS wants.
func say(t *testing.T, conn *tls.Conn, answer string) {
	_, err := conn.Write([]byte(answer))
	if err := errors.Join(err, conn.CloseWrite()); err != nil {
		t.Logf("server: %v", err) // the probe may have seen enough
	}
}

func TestSSLGet(t *testing.T) {
	tests := []struct {
		name     string
		settings TLSSettings
		server   *tls.Config
		answer   func(t *testing.T, raw *net.TCPConn, conn *tls.Conn)
		want     string // empty: healthy
	}{
		{"a certificate that nobody has signed and that has run out", TLSSettings{}, &tls.Config{},
			func(t *testing.T, _ *net.TCPConn, conn *tls.Conn) { say(t, conn, okAnswer) }, ""},
		{"TLS 1.0, which is what some old servers have", TLSSettings{}, &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS10},
			func(t *testing.T, _ *net.TCPConn, conn *tls.Conn) { say(t, conn, okAnswer) }, ""},
		{"another status", TLSSettings{}, &tls.Config{},
			func(t *testing.T, _ *net.TCPConn, conn *tls.Conn) { say(t, conn, "HTTP/1.0 503 Busy\r\n\r\n") },
			"GET /a from ADDRESS: status 503, want 200-299"},
		{"an end that is not announced", TLSSettings{}, &tls.Config{},
			func(t *testing.T, raw *net.TCPConn, conn *tls.Conn) { unannounced(t, raw, conn) }, ""},
		{"an end that is not announced, with tls_compliant", TLSSettings{Compliant: true}, &tls.Config{},
			func(t *testing.T, raw *net.TCPConn, conn *tls.Conn) { unannounced(t, raw, conn) }, "after 5 bytes of body: unexpected EOF"},
		{"an end that is announced, with tls_compliant", TLSSettings{Compliant: true}, &tls.Config{},
			func(t *testing.T, _ *net.TCPConn, conn *tls.Conn) { say(t, conn, okAnswer) }, ""},
		{"a reset", TLSSettings{}, &tls.Config{}, func(t *testing.T, raw *net.TCPConn, _ *tls.Conn) { reset(t, raw) }, "connection reset by peer"},
		{"a certificate is wanted that there is not", TLSSettings{}, &tls.Config{ClientAuth: tls.RequireAnyClientCert, MaxVersion: tls.VersionTLS12},
			func(t *testing.T, _ *net.TCPConn, conn *tls.Conn) { say(t, conn, okAnswer) }, "TLS handshake: remote error: tls: "},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			target := serveTLS(t, test.server, func(raw *net.TCPConn, conn *tls.Conn) { test.answer(t, raw, conn) })
			probe := onlyProbe(t, HTTPSettings{URLs: []URL{{Path: "/a"}}, ConnectTimeout: patience, TLS: &test.settings})
			wantError(t, probe(t.Context(), target).Err, withAddress(test.want, target))
		})
	}
}

// unannounced sends an answer and ends the connection below TLS.
func unannounced(t *testing.T, raw *net.TCPConn, conn *tls.Conn) {
	_, err := conn.Write([]byte(okAnswer))
	if err := errors.Join(err, raw.CloseWrite()); err != nil {
		t.Error(err)
	}
	if _, err := io.Copy(io.Discard, raw); err != nil {
		t.Logf("server: %v", err) // all that matters is that the probe ends first
	}
}

func TestServerNameIsSentAsConfigured(t *testing.T) {
	tests := []struct {
		name     string
		settings TLSSettings
		host     string
		want     string
	}{
		{"none by default", TLSSettings{}, "www.example.org", ""},
		{"the virtual host's with enable_sni", TLSSettings{SNI: true}, "www.example.org", "www.example.org"},
		{"without its port", TLSSettings{SNI: true}, "www.example.org:8443", "www.example.org"},
		{"none without a virtual host", TLSSettings{SNI: true}, "", ""},
		{"sni_name goes first", TLSSettings{SNI: true, SNIName: "sni.example.org"}, "www.example.org", "sni.example.org"},
		{"sni_name needs no enable_sni", TLSSettings{SNIName: "sni.example.org"}, "", "sni.example.org"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			names := make(chan string, 1)
			target := serveTLS(t, &tls.Config{GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
				names <- hello.ServerName
				return nil, nil // as it is
			}}, func(_ *net.TCPConn, conn *tls.Conn) { say(t, conn, okAnswer) })
			probe := onlyProbe(t, HTTPSettings{URLs: []URL{{VirtualHost: test.host}}, ConnectTimeout: patience, TLS: &test.settings})
			wantError(t, probe(t.Context(), target).Err, "")
			if name := <-names; name != test.want {
				t.Errorf("server name %q, want %q", name, test.want)
			}
		})
	}
}

func TestClientCertificate(t *testing.T) {
	directory := t.TempDir()
	write := func(name string, content []byte) string {
		path := filepath.Join(directory, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	_, certificatePEM, keyPEM := keyPair(t, "client")
	_, _, otherKey := keyPair(t, "other")
	block, _ := pem.Decode(keyPEM)
	locked, err := x509.EncryptPEMBlock(rand.Reader, block.Type, block.Bytes, []byte("secret"), x509.PEMCipherAES256)
	if err != nil {
		t.Fatal(err)
	}
	certificate := write("certificate", certificatePEM)
	tests := []struct {
		name, certificate, key, password, want string
	}{
		{"a key", certificate, write("key", keyPEM), "", ""},
		{"a key with a password", certificate, write("locked", pem.EncodeToMemory(locked)), "secret", ""},
		{"another password", certificate, write("locked", pem.EncodeToMemory(locked)), "guess", "decryption password incorrect"},
		{"a key of another certificate", certificate, write("other", otherKey), "", "private key does not match public key"},
		{"a key of PKCS #8 with a password", certificate, write("pkcs8", pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY"})), "secret", "openssl pkey"},
		{"no certificate", filepath.Join(directory, "none"), write("key", keyPEM), "", "read the certificate for SSL_GET: open "},
		{"no key", certificate, filepath.Join(directory, "none"), "", "read the key for SSL_GET: open "},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			loaded, err := LoadCertificate(test.certificate, test.key, test.password)
			wantError(t, err, test.want)
			if test.want != "" {
				return
			}
			shown := make(chan string, 1)
			target := serveTLS(t, &tls.Config{ClientAuth: tls.RequireAnyClientCert}, func(_ *net.TCPConn, conn *tls.Conn) {
				shown <- conn.ConnectionState().PeerCertificates[0].Subject.CommonName
				say(t, conn, okAnswer)
			})
			probe := onlyProbe(t, HTTPSettings{URLs: []URL{{}}, ConnectTimeout: patience, TLS: &TLSSettings{Certificate: loaded}})
			wantError(t, probe(t.Context(), target).Err, "")
			if name := <-shown; name != "client" {
				t.Errorf("shows the certificate of %q", name)
			}
		})
	}
}
