package escluster_test

import (
	"net/url"
	"testing"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"google.golang.org/grpc/codes"

	"github.com/dragoman-booking/dragoman/internal/esnode/escluster"
)

// TestTLS: the members are known by their authority, clients by credentials or by a certificate.
func TestTLS(t *testing.T) {
	t.Parallel()
	c := escluster.RunT(t, escluster.Options{TLS: t.TempDir()})
	leader(t, c)
	cert, key := c.UserFiles()
	files := "userCertFile=" + url.QueryEscape(cert) + "&userKeyFile=" + url.QueryEscape(key)
	with := func(user, password string) string {
		u, err := url.Parse(c.MemberString(0))
		if err != nil {
			t.Fatal(err)
		}
		u.User = url.UserPassword(user, password)
		return u.String()
	}
	for what, it := range map[string]struct {
		url  string
		want codes.Code
	}{
		"credentials":          {with(escluster.User, escluster.Password), codes.OK},
		"a user's certificate": {c.ConnectionString(files), codes.OK},
		"a wrong password":     {with(escluster.User, "x"), codes.Unauthenticated},
		"nothing":              {c.ConnectionString(), codes.PermissionDenied},
	} {
		client := connect(t, it.url)
		s := newSeries(t)
		_, err := client.AppendToStream(within(t, soon), s.stream, esdb.AppendToStreamOptions{ExpectedRevision: esdb.NoStream{}}, eventOf(1))
		if err == nil && it.want == codes.OK {
			continue
		}
		if code, _ := cause(err); code != it.want {
			t.Errorf("with %s: %v", what, err)
		}
	}
	untrusted := connect(t, "esdb://"+c.Addr(0)+"?tls=true&maxDiscoverAttempts=1")
	if _, err := untrusted.GetServerVersion(); err == nil {
		t.Error("a client that does not know the authority trusts the members")
	}
	plain := connect(t, "esdb://"+c.Addr(0)+"?tls=false&maxDiscoverAttempts=1&gossipTimeout=1")
	if _, err := plain.GetServerVersion(); err == nil {
		t.Error("a member speaks without TLS")
	}
}
