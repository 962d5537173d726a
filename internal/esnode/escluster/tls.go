package escluster

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
)

// User and Password are the credentials that a cluster with TLS knows.
const (
	User     = "dragoman"
	Password = "p%4&:ss"
)

// tlsFiles are what clients need, and what the members show.
type tlsFiles struct {
	ca, userCert, userKey string // files
	server                credentials.TransportCredentials
}

// CAFile is the certificate that a client has to trust.
func (c *Cluster) CAFile() string { return c.tls.ca }

// UserFiles are the certificate and the key of a client that needs no password.
func (c *Cluster) UserFiles() (cert, key string) { return c.tls.userCert, c.tls.userKey }

// makeTLS makes an authority, a certificate for the members and one for a client.
func makeTLS(folder string) (*tlsFiles, error) {
	f := &tlsFiles{ca: filepath.Join(folder, "ca.crt"), userCert: filepath.Join(folder, "user.crt"), userKey: filepath.Join(folder, "user.key")}
	template := func(serial int64, name string) *x509.Certificate {
		return &x509.Certificate{SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour),
			NotAfter: time.Now().Add(24 * time.Hour), KeyUsage: x509.KeyUsageDigitalSignature}
	}
	authority := template(1, "scripted cluster")
	authority.IsCA, authority.BasicConstraintsValid, authority.KeyUsage = true, true, x509.KeyUsageCertSign
	authorityKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	issue := func(of *x509.Certificate, key *ecdsa.PrivateKey) ([]byte, error) {
		der, err := x509.CreateCertificate(rand.Reader, of, authority, &key.PublicKey, authorityKey)
		return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), err
	}
	pair := func(of *x509.Certificate) (cert, key []byte, err error) {
		private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return nil, nil, err
		}
		if cert, err = issue(of, private); err != nil {
			return nil, nil, err
		}
		der, err := x509.MarshalPKCS8PrivateKey(private)
		return cert, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), err
	}
	ca, err := issue(authority, authorityKey)
	if err != nil {
		return nil, err
	}
	node := template(2, "eventstoredb-node")
	node.IPAddresses, node.ExtKeyUsage = []net.IP{net.IPv4(127, 0, 0, 1)}, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	nodeCert, nodeKey, err := pair(node)
	if err != nil {
		return nil, err
	}
	user := template(3, User)
	user.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	userCert, userKey, err := pair(user)
	if err != nil {
		return nil, err
	}
	for name, content := range map[string][]byte{f.ca: ca, f.userCert: userCert, f.userKey: userKey} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			return nil, err
		}
	}
	shown, err := tls.X509KeyPair(nodeCert, nodeKey)
	if err != nil {
		return nil, err
	}
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(ca)
	f.server = credentials.NewTLS(&tls.Config{Certificates: []tls.Certificate{shown}, ClientCAs: trusted, ClientAuth: tls.VerifyClientCertIfGiven})
	return f, nil
}

// admit knows clients by their certificate or by their credentials. Gossip and what a member can do is told to everybody.
func (p *process) admit(ctx context.Context, open bool) (metadata.MD, error) {
	if p.member.cluster.tls == nil {
		return nil, nil
	}
	if from, ok := peer.FromContext(ctx); ok {
		if shown, ok := from.AuthInfo.(credentials.TLSInfo); ok && len(shown.State.VerifiedChains) > 0 {
			return nil, nil
		}
	}
	md, _ := metadata.FromIncomingContext(ctx)
	given := md.Get("authorization")
	right := "Basic " + base64.StdEncoding.EncodeToString([]byte(User+":"+Password))
	switch {
	case len(given) == 1 && given[0] == right:
		return nil, nil
	case len(given) > 0:
		return nil, status.Error(codes.Unauthenticated, "Bad credentials")
	case open:
		return nil, nil
	}
	return metadata.Pairs("exception", "access-denied"), status.Error(codes.PermissionDenied, "Access Denied")
}
