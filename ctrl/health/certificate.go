package health

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"slices"
)

// LoadCertificate reads the certificate chain and the key that SSL_GET checks show to servers, both in PEM (keepalived:
// certificate, key and password of the SSL block). The password is for a key with a "DEK-Info" header; it may be empty for
// one that is not encrypted.
func LoadCertificate(certificateFile, keyFile, password string) (*tls.Certificate, error) {
	chain, err := os.ReadFile(certificateFile)
	if err != nil {
		return nil, fmt.Errorf("read the certificate for SSL_GET: %w", err)
	}
	key, err := os.ReadFile(keyFile)
	if err != nil {
		return nil, fmt.Errorf("read the key for SSL_GET: %w", err)
	}
	if key, err = decrypt(key, password); err != nil {
		return nil, fmt.Errorf("read the key for SSL_GET in %s: %w", keyFile, err)
	}
	certificate, err := tls.X509KeyPair(chain, key)
	if err != nil {
		return nil, fmt.Errorf("certificate %s and key %s for SSL_GET: %w", certificateFile, keyFile, err)
	}
	return &certificate, nil
}

// decrypt returns the PEM text with its key readable.
func decrypt(text []byte, password string) ([]byte, error) {
	var readable []byte
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type == "ENCRYPTED PRIVATE KEY" {
			return nil, errors.New("keys that are encrypted as PKCS #8 cannot be read; openssl pkey -in OLD -traditional -aes256 -out NEW makes one that can")
		}
		// The traditional encryption is weak, but what OpenSSL, and so keepalived, reads.
		if x509.IsEncryptedPEMBlock(block) {
			plain, err := x509.DecryptPEMBlock(block, []byte(password))
			if err != nil {
				return nil, err
			}
			block = &pem.Block{Type: block.Type, Bytes: plain}
		}
		readable = slices.Concat(readable, pem.EncodeToMemory(block))
	}
	return readable, nil
}
