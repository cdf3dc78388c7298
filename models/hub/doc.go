// Package hub gets models from the Hugging Face Hub. It keeps them in the cache that
// Python's huggingface_hub uses, so that each reads what the other fetched:
//
//	$HF_HOME/hub/models--org--name/
//	    blobs/<etag>                the bytes, named by their hash
//	    refs/<revision>             the commit that a branch or a tag meant last
//	    snapshots/<commit>/<file>   relative links to blobs
//
// A file is downloaded to blobs/<etag>.incomplete, which a later call resumes, is
// compared with its hash and then renamed, under a lock that huggingface_hub takes
// too. A snapshot gets its links, and its branch, when all of its files are there.
//
// The environment is read as huggingface_hub reads it: HF_HOME, HF_HUB_CACHE,
// HF_ENDPOINT, HF_HUB_OFFLINE, HF_TOKEN, HF_TOKEN_PATH and the file that it names.
// A token goes to the endpoint alone: not to another host that it redirects to, and
// not into an error.
//
// The package is pure Go and knows nothing of MLX.
package hub
