"""What Python's huggingface_hub does with a cache; written for 2.4.0.

    hfhub.py fetch CACHE   gets org/name from $HF_ENDPOINT, and prints where it is
    hfhub.py read CACHE    reads org/name without the network, and prints what it sees
"""

import json
import os
import sys

if sys.argv[1] == "read":
    os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"

from huggingface_hub import hf_hub_download, scan_cache_dir, snapshot_download  # noqa: E402

cache = sys.argv[2]
ignore = [".gitattributes", "*.bin", "original/", "onnx/", "consolidated*.safetensors"]
if sys.argv[1] == "fetch":
    print(snapshot_download("org/name", cache_dir=cache, ignore_patterns=ignore))
else:
    (repo,) = scan_cache_dir(cache).repos
    seen = {
        "snapshot": snapshot_download("org/name", cache_dir=cache),
        "config": hf_hub_download("org/name", "config.json", cache_dir=cache),
        "repo": repo.repo_id,
        "size": repo.size_on_disk,
        "files": {
            f.file_name: f.file_path.read_text(encoding="utf-8") for r in repo.revisions for f in r.files
        },
        "refs": {name: r.commit_hash for name, r in repo.refs.items()},
    }
    json.dump(seen, sys.stdout)
