package hub

import (
	"cmp"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// DefaultEndpoint is where models come from unless HF_ENDPOINT says otherwise.
const DefaultEndpoint = "https://huggingface.co"

// settings are what the environment says.
type settings struct {
	cacheDir string
	endpoint string
	token    string
	offline  bool
}

// environment reads the variables, as huggingface_hub's constants.py does.
func environment() (settings, error) {
	home := os.Getenv("HF_HOME")
	if home == "" {
		home = filepath.Join(cmp.Or(os.Getenv("XDG_CACHE_HOME"), "~/.cache"), "huggingface")
	}
	home, err := expand(home)
	if err != nil {
		return settings{}, err
	}
	s := settings{
		endpoint: cmp.Or(os.Getenv("HF_ENDPOINT"), DefaultEndpoint),
		offline:  isTrue(cmp.Or(os.Getenv("HF_HUB_OFFLINE"), os.Getenv("TRANSFORMERS_OFFLINE"))),
	}
	cache := cmp.Or(os.Getenv("HF_HUB_CACHE"), os.Getenv("HUGGINGFACE_HUB_CACHE"), filepath.Join(home, "hub"))
	if s.cacheDir, err = expand(cache); err != nil {
		return settings{}, err
	}
	s.token, err = findToken(home)
	return s, err
}

// findToken is HF_TOKEN, or what stands in the token file.
func findToken(home string) (string, error) {
	if isTrue(os.Getenv("HF_HUB_DISABLE_IMPLICIT_TOKEN")) {
		return "", nil
	}
	if t := cmp.Or(os.Getenv("HF_TOKEN"), os.Getenv("HUGGING_FACE_HUB_TOKEN")); t != "" {
		return strings.TrimSpace(t), nil
	}
	path, err := expand(cmp.Or(os.Getenv("HF_TOKEN_PATH"), filepath.Join(home, "token")))
	if err != nil {
		return "", err
	}
	data, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("hub: token file: %w", err)
	}
	return strings.TrimSpace(string(data)), nil
}

// expand replaces variables, and a ~ at the beginning.
func expand(path string) (string, error) {
	path = os.ExpandEnv(path)
	if rest, ok := strings.CutPrefix(path, "~"); ok && (rest == "" || rest[0] == '/' || rest[0] == filepath.Separator) {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("hub: no home folder for the cache: set HF_HOME: %w", err)
		}
		path = filepath.Join(home, rest)
	}
	return filepath.Abs(path)
}

func isTrue(s string) bool {
	switch strings.ToUpper(s) {
	case "1", "ON", "YES", "TRUE":
		return true
	}
	return false
}

// parseEndpoint reads the address of a hub.
func parseEndpoint(s string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimRight(s, "/"))
	switch {
	case err != nil:
		return nil, fmt.Errorf("hub: HF_ENDPOINT is no address") // its text may hold a password
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return nil, fmt.Errorf("hub: HF_ENDPOINT=%s is no address of http or https", u.Redacted())
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, fmt.Errorf("hub: HF_ENDPOINT=%s: an address without user, query and fragment is wanted", u.Redacted())
	}
	return u, nil
}
