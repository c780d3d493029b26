package identity_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"isotherm/cmd/internal/identity"
	"isotherm/ledger"
	"isotherm/ledger/custody"
	"isotherm/ledger/keyfile"
)

// cheap makes tests fast; what costs of a PIN is not what they are about.
var cheap = identity.Cost{Time: 1, MemoryKiB: 8 << 10, Threads: 1}

const pin = "246810"

// newMe returns a saved identity and its folder.
func newMe(t *testing.T) (*identity.Me, string) {
	t.Helper()
	m := &identity.Me{Person: ledger.NewPersonID(), Name: "A. Example", Organisation: "RIVER", Role: "coordinator", Origin: "test.example/ledger",
		URLs: []string{"https://127.0.0.1:1"}, CA: []byte("no certificate"), Token: "isotherm_person_x", PIN: identity.FixedPIN(pin)}
	if err := m.NewKey([]byte(pin), cheap); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "me")
	if err := m.Save(dir); err != nil {
		t.Fatal(err)
	}
	return m, dir
}

func load(t *testing.T, dir, pin string) *identity.Me {
	t.Helper()
	m, err := identity.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	m.PIN = identity.FixedPIN(pin)
	return m
}

// canSign tells whether the folder's key signs what the public half verifies.
func canSign(t *testing.T, m *identity.Me, public ed25519.PublicKey) error {
	t.Helper()
	var leaked ed25519.PrivateKey
	err := m.Sign(func(key ed25519.PrivateKey) error {
		leaked = key
		if !ed25519.Verify(public, []byte("x"), ed25519.Sign(key, []byte("x"))) {
			t.Error("the key does not fit its public half")
		}
		return nil
	})
	if !bytes.Equal(leaked, make([]byte, len(leaked))) {
		t.Error("the key was not wiped after signing")
	}
	return err
}

func TestMe_Load(t *testing.T) {
	want, dir := newMe(t)
	got := load(t, dir, pin)
	if diff := cmp.Diff([]any{want.Person, want.Name, want.Organisation, want.Role, want.Origin, want.URLs, want.CA, want.Token, want.Public()},
		[]any{got.Person, got.Name, got.Organisation, got.Role, got.Origin, got.URLs, got.CA, got.Token, got.Public()}); diff != "" {
		t.Errorf("identity (-want +got):\n%s", diff)
	}
	if err := canSign(t, got, want.Public()); err != nil {
		t.Error(err)
	}
	if err := want.Save(dir); err == nil {
		t.Error("an identity was written over")
	}
	for _, name := range []string{"key", "token"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode %v, %v", name, info.Mode(), err)
		}
		if err := os.Chmod(filepath.Join(dir, name), 0o640); err != nil {
			t.Fatal(err)
		}
		if _, err := identity.Load(dir); !errors.Is(err, keyfile.ErrLooseMode) {
			t.Errorf("%s that others can read: %v", name, err)
		}
		if err := os.Chmod(filepath.Join(dir, name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove(filepath.Join(dir, "key")); err != nil {
		t.Fatal(err)
	}
	if err := canSign(t, load(t, dir, pin), want.Public()); !errors.Is(err, identity.ErrNoKey) {
		t.Errorf("signing without a key: %v", err)
	}
}

func TestMe_Sign_wrongPIN(t *testing.T) {
	_, dir := newMe(t)
	for _, wrong := range []string{"", "246811", "24681", "2468100", pin + "\n"} {
		err := load(t, dir, wrong).Sign(func(ed25519.PrivateKey) error { t.Error("signed"); return nil })
		if !errors.Is(err, identity.ErrWrongPIN) || err.Error() != identity.ErrWrongPIN.Error() {
			t.Errorf("PIN %q: %v, want exactly %v", wrong, err, identity.ErrWrongPIN)
		}
	}
	refused := errors.New("nobody at the keyboard")
	m := load(t, dir, pin)
	m.PIN = func() ([]byte, error) { return nil, refused }
	if err := m.Sign(func(ed25519.PrivateKey) error { return nil }); !errors.Is(err, refused) {
		t.Errorf("no PIN given: %v", err)
	}
}

func TestMe_ChangePIN(t *testing.T) {
	m, dir := newMe(t)
	before, err := os.ReadFile(filepath.Join(dir, "key"))
	if err != nil {
		t.Fatal(err)
	}
	if err := load(t, dir, "").ChangePIN([]byte("000000"), []byte("1357911"), cheap); !errors.Is(err, identity.ErrWrongPIN) {
		t.Errorf("change with a wrong PIN: %v", err)
	}
	if err := load(t, dir, "").ChangePIN([]byte(pin), []byte("13579"), cheap); err == nil {
		t.Error("a PIN of five characters was taken")
	}
	after, err := os.ReadFile(filepath.Join(dir, "key"))
	if err != nil || !bytes.Equal(before, after) {
		t.Error("a refused change wrote the key file")
	}
	if err := load(t, dir, "").ChangePIN([]byte(pin), []byte("1357911"), cheap); err != nil {
		t.Fatal(err)
	}
	if err := canSign(t, load(t, dir, "1357911"), m.Public()); err != nil {
		t.Errorf("with the new PIN: %v", err)
	}
	if err := canSign(t, load(t, dir, pin), m.Public()); !errors.Is(err, identity.ErrWrongPIN) {
		t.Errorf("with the old PIN: %v", err)
	}
}

// TestLocked_damage flips every byte of a key file: each is named as damage or as a file that is not ours, and never as a
// wrong PIN; no key comes of any.
func TestLocked_damage(t *testing.T) {
	_, dir := newMe(t)
	good, err := os.ReadFile(filepath.Join(dir, "key"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := identity.ParseLocked(good); err != nil {
		t.Fatal(err)
	}
	for i := range good {
		bad := bytes.Clone(good)
		bad[i] ^= 1
		if _, err := identity.ParseLocked(bad); err == nil || !strings.Contains(err.Error(), "key file") {
			t.Fatalf("byte %d changed from %q to %q: %v", i, good[i], bad[i], err)
		}
	}
	for _, bad := range [][]byte{nil, good[:len(good)/2], append(bytes.Clone(good), 'x'), bytes.Repeat([]byte("{"), 5000)} {
		if _, err := identity.ParseLocked(bad); err == nil {
			t.Errorf("%.40q was taken", bad)
		}
	}
	greedy := bytes.Replace(good, []byte(`"memory_kib": 8192`), []byte(`"memory_kib": 4294967295`), 1)
	if _, err := identity.ParseLocked(greedy); err == nil {
		t.Error("a file that asks for 4 TiB was taken")
	}
}

func FuzzParseLocked(f *testing.F) {
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		f.Fatal(err)
	}
	l, err := identity.Lock(key, []byte(pin), cheap)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(l.Marshal())
	f.Add([]byte(`{"format":"isotherm signing key","version":1}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		l, err := identity.ParseLocked(b)
		if err == nil && !bytes.Equal(l.Marshal(), b) {
			t.Errorf("%q is written again as %q", b, l.Marshal())
		}
	})
}

func TestCheckPIN(t *testing.T) {
	for _, tt := range []struct {
		pin  string
		good bool
	}{
		{"", false}, {"12345", false}, {"123456", true}, {"äöü", false}, {"äöüäöü", true}, {strings.Repeat("1", identity.MaxPIN), true},
		{strings.Repeat("1", identity.MaxPIN+1), false},
	} {
		if err := identity.CheckPIN([]byte(tt.pin)); (err == nil) != tt.good {
			t.Errorf("PIN %.10q of %d bytes: %v", tt.pin, len(tt.pin), err)
		}
	}
}

func TestReadPIN(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pin")
	if err := os.WriteFile(file, []byte(pin+"\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := identity.ReadPIN(file); err != nil || string(got) != pin {
		t.Errorf("got %q, %v", got, err)
	}
	if err := os.Chmod(file, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := identity.ReadPIN(file); !errors.Is(err, keyfile.ErrLooseMode) {
		t.Errorf("a PIN that others can read: %v", err)
	}
	if _, err := identity.ReadPIN(file + "x"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

// TestJoin takes a person from a key of their own over a join file to an identity, and over a lost key to the next one.
func TestJoin(t *testing.T) {
	admin, _ := newMe(t)
	dir := filepath.Join(t.TempDir(), "device")
	public, waits, err := identity.NewKeyIn(dir, []byte(pin), cheap)
	if err != nil || waits {
		t.Fatalf("first key: waits %v, %v", waits, err)
	}
	person := &identity.Me{Person: ledger.NewPersonID(), Name: "B. Example", Organisation: "AIR", Role: "courier", Origin: admin.Origin,
		URLs: admin.URLs, CA: admin.CA, Token: "isotherm_person_y"}
	file := filepath.Join(t.TempDir(), "join")
	if err := identity.NewJoin(person, public).Save(file); err != nil {
		t.Fatal(err)
	}
	if err := identity.NewJoin(person, public).Save(file); err == nil {
		t.Error("a join file was written over")
	}
	enter := func() (*identity.Me, error) {
		j, err := identity.LoadJoin(file)
		if err != nil {
			t.Fatal(err)
		}
		return j.Enter(dir)
	}
	me, err := enter()
	if err != nil || me.Name != "B. Example" || me.Token != "isotherm_person_y" {
		t.Fatalf("join: %+v, %v", me, err)
	}
	if err := canSign(t, load(t, dir, pin), public); err != nil {
		t.Error(err)
	}
	next, waits, err := identity.NewKeyIn(dir, []byte("999999"), cheap)
	if err != nil || !waits {
		t.Fatalf("second key: waits %v, %v", waits, err)
	}
	if err := canSign(t, load(t, dir, pin), public); err != nil {
		t.Errorf("the old key while the new one waits: %v", err)
	}
	if changed, err := identity.UseNewKey(dir, public); changed || err != nil {
		t.Errorf("the ledger knows the old key: changed %v, %v", changed, err)
	}
	if changed, err := identity.UseNewKey(dir, next); !changed || err != nil {
		t.Errorf("the ledger knows the new key: changed %v, %v", changed, err)
	}
	if err := canSign(t, load(t, dir, "999999"), next); err != nil {
		t.Error(err)
	}
	if _, err := identity.UseNewKey(dir, public); err == nil {
		t.Error("a key that is not in the folder was taken")
	}
	if _, err := enter(); err == nil {
		t.Error("joined with a key that the folder does not hold")
	}
	other, err := identity.LoadJoin(file)
	if err != nil {
		t.Fatal(err)
	}
	other.Me.Person, other.Key = ledger.NewPersonID(), next
	if _, err := other.Enter(dir); err == nil {
		t.Error("another person took the folder over")
	}
}

func TestMe_SaveSession(t *testing.T) {
	m, dir := newMe(t)
	if err := m.SaveSession("isotherm_session_z"); err != nil {
		t.Fatal(err)
	}
	if got := load(t, dir, pin).Token; got != "isotherm_session_z" {
		t.Errorf("signed in with %q", got)
	}
	for range 2 {
		if err := m.DropSession(); err != nil {
			t.Error(err)
		}
	}
	if got := load(t, dir, pin).Token; got != "isotherm_person_x" {
		t.Errorf("after signing out: %q", got)
	}
}

// TestMe_State signs a statement, and a second person signs the same.
func TestMe_State(t *testing.T) {
	me, _ := newMe(t)
	second, _ := newMe(t)
	act, err := me.State(custody.Statement{Kind: custody.Open, Shipment: ledger.NewShipmentID(), EventTimeMS: 1, Organ: custody.Heart, Dest: "HILL"})
	if err != nil {
		t.Fatal(err)
	}
	if err := second.SignAct(act, custody.RoleSecond); err != nil {
		t.Fatal(err)
	}
	keys := map[ledger.PersonID]ed25519.PublicKey{me.Person: me.Public(), second.Person: second.Public()}
	if err := act.CheckSignatures(func(id ledger.PersonID) ed25519.PublicKey { return keys[id] }); err != nil {
		t.Error(err)
	}
	if act.Statement.Ledger != me.Origin || act.Statement.By != me.Party() || act.Statement.ID.IsZero() {
		t.Errorf("statement: %+v", act.Statement)
	}
	if _, err := me.State(custody.Statement{Kind: custody.Open, EventTimeMS: 1}); err == nil {
		t.Error("a statement without organ and destination was signed")
	}
}
