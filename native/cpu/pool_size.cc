// How many threads this process should use.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <thread>

#include "pool.h"

#if defined(__linux__)
#include <sched.h>
#endif

namespace gomlx::cpu {
namespace {

constexpr int most_threads = 256;

std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

// The processors of the affinity mask, two hyperthreads of a core as one: the
// second finds the vector units and the bandwidth taken.
int cores() {
#if defined(__linux__)
  cpu_set_t mask;
  if (sched_getaffinity(0, sizeof mask, &mask) == 0) {
    std::set<std::string> seen;
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
      if (!CPU_ISSET(cpu, &mask)) continue;
      std::string name = std::to_string(cpu);
      std::string siblings =
          first_line("/sys/devices/system/cpu/cpu" + name + "/topology/thread_siblings_list");
      seen.insert(siblings.empty() ? name : siblings);
    }
    if (!seen.empty()) return int(seen.size());
  }
#endif
  return int(std::max(1u, std::thread::hardware_concurrency()));
}

// Whether a list such as "cpu,cpuacct" has the name.
bool holds(const std::string& list, const std::string& name) {
  std::istringstream names(list);
  for (std::string one; std::getline(names, one, ',');)
    if (one == name) return true;
  return list == name;
}

// The folder of the process below the mount of a controller ("" is version 2).
std::string cgroup_of(const std::string& controller) {
  std::ifstream file("/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    size_t a = line.find(':'), b = line.find(':', a + 1);
    if (b == std::string::npos) continue;
    std::string names = line.substr(a + 1, b - a - 1);
    if (holds(names, controller)) return line.substr(b + 1);
  }
  return "";
}

// The least quota of a folder and those above it.
int least_quota(const std::string& mount, std::string folder, bool version2) {
  int least = 0;
  for (;;) {
    std::string at = mount + folder + "/";
    int q = version2 ? quota(first_line(at + "cpu.max").c_str())
                     : quota((first_line(at + "cpu.cfs_quota_us") + " " +
                              first_line(at + "cpu.cfs_period_us")).c_str());
    if (q > 0 && (least == 0 || q < least)) least = q;
    if (folder.empty()) return least;
    folder.resize(std::min(folder.rfind('/'), folder.size() - 1));
  }
}

}  // namespace

int quota(const char* cpu_max) {
  long long most = 0, period = 0;
  if (std::sscanf(cpu_max, "%lld %lld", &most, &period) != 2 || most <= 0 || period <= 0) return 0;
  return int(std::clamp(most / period, 1ll, (long long)(most_threads)));
}

int thread_count() {
  if (const char* text = std::getenv("GO_MLX_THREADS")) {
    char* end;
    long n = std::strtol(text, &end, 10);
    if (end != text && *end == 0 && n >= 1) return int(std::min(n, long(most_threads)));
  }
  int n = std::min(cores(), most_threads);
  for (int q : {least_quota("/sys/fs/cgroup", cgroup_of(""), true),
                least_quota("/sys/fs/cgroup/cpu", cgroup_of("cpu"), false)})
    if (q > 0) n = std::min(n, q);
  return n;
}

}  // namespace gomlx::cpu
