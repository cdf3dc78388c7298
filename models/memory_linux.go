package models

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// freeMemory is how many bytes this process may still take: what the machine
// has available, or less where its control group sets a limit. 0 means unknown.
func freeMemory() uint64 {
	free := memAvailable()
	limit, errLimit := readNumber("/sys/fs/cgroup/memory.max")
	used, errUsed := readNumber("/sys/fs/cgroup/memory.current")
	if errLimit == nil && errUsed == nil && limit > used {
		free = min(free, limit-used)
	}
	return free
}

func memAvailable() uint64 {
	f, err := os.Open("/proc/meminfo")
	if err != nil {
		return 0
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var kb uint64
		if n, _ := fmt.Sscanf(lines.Text(), "MemAvailable: %d kB", &kb); n == 1 {
			return kb << 10
		}
	}
	return 0
}

func readNumber(path string) (uint64, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	return strconv.ParseUint(strings.TrimSpace(string(data)), 10, 64)
}
