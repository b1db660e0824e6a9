#include "sandbox_group.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <thread>

#include "failure.hpp"
#include "group_removal.hpp"
#include "system_files.hpp"

namespace berth_local {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t most_file = 64U << 10;
constexpr std::uint64_t most_memory = 1ULL << 62;
constexpr std::uint64_t most_pids = 4'194'304;  // a machine has no more
constexpr std::int64_t period_us = 100'000;
constexpr std::int64_t least_quota_us = 1000;
constexpr std::int64_t most_quota_us = 1'000'000'000'000;
constexpr std::string_view run_prefix = "run-";

std::string content(const std::string& path) {
    try {
        return read_file(AT_FDCWD, path, most_file).value_or("");
    } catch (const Failure&) {
        return "";  // it goes away while we look
    }
}

// The number behind `key ` at the start of a line; with an empty key the whole text.
std::optional<std::int64_t> number_in(const std::string& text, std::string_view key) {
    std::size_t at = 0;
    if (!key.empty()) {
        const std::string wanted = std::string(key) + " ";
        at = text.starts_with(wanted) ? 0 : text.find("\n" + wanted);
        if (at == std::string::npos) {
            return std::nullopt;
        }
        at += wanted.size() + (at == 0 ? 0 : 1);
    }
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data() + at, text.data() + text.size(), value);
    return error == std::errc() ? std::optional(value) : std::nullopt;
}

void set(const std::string& file, const std::string& value) {
    const Descriptor descriptor(::open(file.c_str(), O_WRONLY | O_CLOEXEC));
    if (!descriptor || ::write(descriptor.get(), value.data(), value.size()) != static_cast<ssize_t>(value.size())) {
        const int error = errno;
        throw refusal(error == ENOENT ? BERTH_UNAVAILABLE : BERTH_UNSUPPORTED,
                      "a limit cannot be set: " + file + " refuses " + value + ": " + words_of_errno(error),
                      "see what `berth doctor` says of the limits");
    }
}

void make_group_directory(const std::string& path) {
    if (::mkdir(path.c_str(), 0755) != 0 && errno != EEXIST) {
        throw refusal(BERTH_UNSUPPORTED, "cannot make the control group " + path + ": " + words_of_errno(errno),
                      "see what `berth doctor` says of the limits");
    }
}

// On v2 a controller works in a group when the group above hands it down.
void hand_down(const std::string& group, const std::vector<Controller>& controllers) {
    const std::string file = group + "/cgroup.subtree_control";
    const std::string now = " " + content(file);
    for (const Controller controller : controllers) {
        const std::string name(name_of(controller));
        if (now.find(" " + name) == std::string::npos) {
            set(file, "+" + name);
        }
    }
}

// Where the processes of a group with limits are.
std::string members_of(const std::string& path) {
    return path + "/main";
}

std::string parent_of_path(const std::string& path) {
    return path.substr(0, path.rfind('/'));
}

// Old kernels let a v1 group count what is below it only when told so, before anything is.
void count_what_is_below(const std::string& path) {
    const std::string file = path + "/memory.use_hierarchy";
    if (content(file).starts_with('0')) {
        set(file, "1");
    }
}

std::string version_name(CgroupVersion version) {
    return version == CgroupVersion::v1 ? "v1" : "v2";
}

// A v1 group may not have more than the one above it: then that one's limit is the one that holds.
std::int64_t allowed_quota(const std::string& path, std::int64_t wanted) {
    const std::string above = parent_of_path(path);
    const std::optional<std::int64_t> quota = number_in(content(above + "/cpu.cfs_quota_us"), "");
    const std::optional<std::int64_t> period = number_in(content(above + "/cpu.cfs_period_us"), "");
    if (!quota || !period || *quota <= 0 || *period <= 0) {
        return wanted;
    }
    return std::min(wanted, std::max<std::int64_t>(*quota * period_us / *period, least_quota_us));
}

void limit_memory(CgroupVersion version, const std::string& path, std::uint64_t bytes) {
    const std::string value = std::to_string(std::min(bytes, most_memory));
    if (version == CgroupVersion::v2) {
        set(path + "/memory.max", value);
        // Swap would only make the same limit slower.
        if (::access((path + "/memory.swap.max").c_str(), F_OK) == 0) {
            set(path + "/memory.swap.max", "0");
        }
        return;
    }
    const std::string with_swap = path + "/memory.memsw.limit_in_bytes";
    if (::access(with_swap.c_str(), F_OK) == 0) {
        // The smaller of the two has to change first, and which that is depends on what was set before.
        set(with_swap, "-1");
        set(path + "/memory.limit_in_bytes", value);
        set(with_swap, value);
        return;
    }
    set(path + "/memory.limit_in_bytes", value);
}

double limit_cpu(CgroupVersion version, const std::string& path, double percent) {
    const double exact = std::ceil(percent * static_cast<double>(period_us) / 100);
    std::int64_t quota = exact < static_cast<double>(most_quota_us) ? static_cast<std::int64_t>(exact) : most_quota_us;
    quota = std::max(quota, least_quota_us);
    if (version == CgroupVersion::v2) {
        set(path + "/cpu.max", std::to_string(quota) + " " + std::to_string(period_us));
    } else {
        quota = allowed_quota(path, quota);
        set(path + "/cpu.cfs_period_us", std::to_string(period_us));
        set(path + "/cpu.cfs_quota_us", std::to_string(quota));
    }
    return static_cast<double>(quota) * 100 / static_cast<double>(period_us);
}

std::vector<std::string> run_groups(const std::string& path) {
    const Descriptor directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    std::vector<std::string> names = directory ? names_in(directory.get()) : std::vector<std::string>{};
    std::erase_if(names, [](const std::string& name) { return !name.starts_with(run_prefix); });
    return names;
}

// An empty one. Refused, and nothing lost, while something lives in it.
void remove_run_group(const std::string& path) {
    ::rmdir(members_of(path).c_str());
    ::rmdir(path.c_str());
}

}  // namespace

bool SandboxGroup::Part::has(Controller controller) const {
    return std::find(controllers.begin(), controllers.end(), controller) != controllers.end();
}

const SandboxGroup::Part* SandboxGroup::part(Controller controller) const {
    for (const Part& part : parts_) {
        if (part.has(controller)) {
            return &part;
        }
    }
    return nullptr;
}

void SandboxGroup::plan(const CgroupLayout& layout, const std::string& name, const std::vector<Controller>& wanted) {
    for (const Controller controller : wanted) {
        if (part(controller) != nullptr) {
            continue;
        }
        const CgroupParent parent = find_cgroup_parent(layout, controller);
        if (!parent) {
            throw refusal(BERTH_UNSUPPORTED, "the limit cannot be enforced here, for want of the controller " +
                                                 std::string(name_of(controller)) + ": " + parent.reason);
        }
        const std::string path = parent.path + "/" + name;
        const auto there = std::find_if(parts_.begin(), parts_.end(), [&](const Part& part) {
            // A process is in one v2 group only.
            return part.path == path || (part.version == CgroupVersion::v2 && parent.version == CgroupVersion::v2);
        });
        if (there != parts_.end()) {
            there->controllers.push_back(controller);
        } else {
            parts_.push_back({parent.version, {controller}, path});
        }
    }
}

std::string SandboxGroup::text() const {
    std::string text;
    for (const Part& part : parts_) {
        std::string names;
        for (const Controller controller : part.controllers) {
            names += (names.empty() ? "" : ",") + std::string(name_of(controller));
        }
        text += version_name(part.version) + " " + names + " " + part.path + "\n";
    }
    return text;
}

SandboxGroup SandboxGroup::parse(std::string_view text) {
    SandboxGroup group;
    while (!text.empty()) {
        const std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), line.size() + 1));
        const std::size_t first = line.find(' ');
        const std::size_t second = first == std::string_view::npos ? first : line.find(' ', first + 1);
        if (second == std::string_view::npos || line.find("/berth-") == std::string_view::npos) {
            continue;
        }
        Part part{line.substr(0, first) == "v1" ? CgroupVersion::v1 : CgroupVersion::v2,
                  {},
                  std::string(line.substr(second + 1))};
        const std::string names = "," + std::string(line.substr(first + 1, second - first - 1)) + ",";
        for (const Controller controller : every_controller) {
            if (names.find("," + std::string(name_of(controller)) + ",") != std::string::npos) {
                part.controllers.push_back(controller);
            }
        }
        group.parts_.push_back(std::move(part));
    }
    return group;
}

void SandboxGroup::make() const {
    for (const Part& part : parts_) {
        if (part.version == CgroupVersion::v2) {
            hand_down(parent_of_path(part.path), part.controllers);
        }
        make_group_directory(part.path);
        if (part.version == CgroupVersion::v2) {
            hand_down(part.path, part.controllers);
        } else if (part.has(Controller::memory)) {
            count_what_is_below(part.path);
        }
    }
}

GroupLimits SandboxGroup::limit(const GroupLimits& limits) const {
    GroupLimits given = limits;
    if (limits.memory_bytes) {
        const Part& memory = *part(Controller::memory);
        limit_memory(memory.version, memory.path, *limits.memory_bytes);
    }
    if (limits.cpu_percent) {
        const Part& cpu = *part(Controller::cpu);
        given.cpu_percent = limit_cpu(cpu.version, cpu.path, *limits.cpu_percent);
    }
    if (limits.pids) {
        set(part(Controller::pids)->path + "/pids.max", std::to_string(std::min(*limits.pids, most_pids)));
    }
    return given;
}

std::vector<Descriptor> SandboxGroup::joins() const {
    std::vector<Descriptor> joins;
    for (const Part& part : parts_) {
        const std::string path = members_of(part.path);
        make_group_directory(path);
        joins.emplace_back(::open((path + "/cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC));
        if (!joins.back()) {
            throw system_failure("cannot open the control group " + path, errno);
        }
    }
    return joins;
}

std::optional<std::uint64_t> SandboxGroup::out_of_memory_kills() const {
    const Part* const memory = part(Controller::memory);
    if (memory == nullptr) {
        return std::nullopt;
    }
    const auto count_in = [](const std::string& file) {
        const std::optional<std::int64_t> count = number_in(content(file), "oom_kill");
        return count && *count >= 0 ? std::optional(static_cast<std::uint64_t>(*count)) : std::nullopt;
    };
    if (memory->version == CgroupVersion::v2) {
        return count_in(memory->path + "/memory.events");
    }
    // On v1 it counts where whoever was killed was.
    const std::optional<std::uint64_t> above = count_in(memory->path + "/memory.oom_control");
    const std::optional<std::uint64_t> members = count_in(members_of(memory->path) + "/memory.oom_control");
    return above || members ? std::optional(above.value_or(0) + members.value_or(0)) : std::nullopt;
}

std::optional<std::uint64_t> SandboxGroup::memory_bytes() const {
    const Part* const memory = part(Controller::memory);
    if (memory == nullptr) {
        return std::nullopt;
    }
    const bool v1 = memory->version == CgroupVersion::v1;
    const auto used = number_in(content(memory->path + (v1 ? "/memory.usage_in_bytes" : "/memory.current")), "");
    const auto cache =
        number_in(content(memory->path + "/memory.stat"), v1 ? "total_inactive_file" : "inactive_file").value_or(0);
    if (!used || *used < 0) {
        return std::nullopt;
    }
    return static_cast<std::uint64_t>(std::max<std::int64_t>(*used - std::max<std::int64_t>(cache, 0), 0));
}

void SandboxGroup::sweep() const {
    for (const Part& part : parts_) {
        for (const std::string& name : run_groups(part.path)) {
            const std::string path = part.path + "/" + name;
            const Descriptor directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
            if (directory && try_lock(directory)) {
                remove_run_group(path);
            }
        }
    }
}

bool SandboxGroup::remove(milliseconds patience) const {
    const auto until = std::chrono::steady_clock::now() + patience;
    for (milliseconds pause{1};; pause = std::min(pause * 2, milliseconds{50})) {
        bool all = true;
        for (const Part& part : parts_) {
            if (remove_groups(part.path)) {
                continue;
            }
            all = false;
            if (const Descriptor kill(::open((part.path + "/cgroup.kill").c_str(), O_WRONLY | O_CLOEXEC)); kill) {
                [[maybe_unused]] const ssize_t size = ::write(kill.get(), "1", 1);
            }
        }
        if (all || std::chrono::steady_clock::now() >= until) {
            return all;
        }
        std::this_thread::sleep_for(pause);  // v1 tells nobody when a group becomes empty
    }
}

// --- one process

RunGroup::RunGroup(const SandboxGroup& sandbox, const GroupLimits& limits) {
    try {
        for (const SandboxGroup::Part& above : sandbox.parts_) {
            if ((limits.memory_bytes && above.has(Controller::memory)) ||
                (limits.cpu_percent && above.has(Controller::cpu))) {
                add(above);
            }
        }
        group_.limit(limits);
    } catch (...) {
        remove();
        throw;
    }
}

RunGroup::~RunGroup() {
    remove();
}

void RunGroup::add(const SandboxGroup::Part& above) {
    for (int attempt = 0;; ++attempt) {
        const std::string path = above.path + "/" + std::string(run_prefix) + random_name(12);
        make_group_directory(path);
        group_.parts_.push_back({above.version, above.controllers, path});
        Descriptor directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        const bool locked = directory && try_lock(directory) && ::mkdirat(directory.get(), "main", 0755) == 0;
        Descriptor join(locked ? ::openat(directory.get(), "main/cgroup.procs", O_WRONLY | O_CLOEXEC) : -1);
        if (join) {
            locks_.push_back(std::move(directory));
            joins_.push_back(std::move(join));
            return;
        }
        // Between making and locking it somebody may have swept it away: then once more, by another name.
        const int error = errno;
        remove_run_group(path);
        group_.parts_.pop_back();
        if (attempt == 10) {
            throw system_failure("cannot open a control group for the process", error);
        }
    }
}

void RunGroup::remove() {
    joins_.clear();
    for (const SandboxGroup::Part& part : group_.parts_) {
        remove_run_group(part.path);  // refused while a child that was left behind lives in it
    }
}

}  // namespace berth_local
