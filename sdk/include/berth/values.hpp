// What a method gives back: values that own what they hold. Absent stays absent: never invent a zero.
// The way of these values into the contract's structs is detail/convert.hpp.
#ifndef BERTH_VALUES_HPP
#define BERTH_VALUES_HPP

#include <cstdlib>
#include <initializer_list>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "views.hpp"

namespace berth::inline sdk_v1 {

/// A name and a value that own their bytes.
struct Variable {
    std::string name;
    std::string value;
    bool secret = false;  ///< The value must never be shown or logged.
    friend bool operator==(const Variable&, const Variable&) = default;
};

/// Names with values, each name once, in the order they came: environments, labels, facts.
class Variables {
public:
    Variables() = default;
    Variables(std::initializer_list<Variable> items) {
        for (const Variable& item : items)
            set(item.name, item.value, item.secret);
    }
    Variables(const std::map<std::string, std::string>& items) {
        for (const auto& [name, value] : items)
            items_.push_back({name, value, false});
    }
    Variables(const Pairs& pairs) { merge(pairs); }

    void set(std::string_view name, std::string_view value, bool secret = false) {
        for (Variable& item : items_)
            if (item.name == name) {
                item.value = value;
                item.secret = secret;
                return;
            }
        items_.push_back({std::string{name}, std::string{value}, secret});
    }
    void unset(std::string_view name) {
        std::erase_if(items_, [&](const Variable& item) { return item.name == name; });
    }
    /// Sets each of `pairs`; the others stay.
    void merge(const Pairs& pairs) {
        for (Pair pair : pairs)
            set(pair.name, pair.value, pair.secret);
    }
    /// nullptr when there is none; valid until the next change.
    const std::string* find(std::string_view name) const {
        for (const Variable& item : items_)
            if (item.name == name) return &item.value;
        return nullptr;
    }
    auto begin() const { return items_.begin(); }
    auto end() const { return items_.end(); }
    std::size_t size() const { return items_.size(); }
    bool empty() const { return items_.empty(); }
    friend bool operator==(const Variables&, const Variables&) = default;

private:
    std::vector<Variable> items_;
};

/// An Environment that owns what it holds; made from a view by copying.
struct EnvironmentValues {
    Variables env;
    std::optional<std::string> cwd;
    std::optional<Duration> timeout;
    std::optional<std::uint64_t> memory_limit_mib;
    std::optional<double> cpu_limit;

    EnvironmentValues() = default;
    EnvironmentValues(const Environment& from)
        : env(from.env()),
          cwd(from.cwd()),
          timeout(from.timeout()),
          memory_limit_mib(from.memory_limit_mib()),
          cpu_limit(from.cpu_limit()) {}
};

/// A sample of now. What the backend does not know stays absent.
struct Usage {
    std::optional<double> cpu_percent;          ///< 100 = one core.
    std::optional<std::uint64_t> memory_bytes;  ///< Resident memory of all processes of the sandbox.
    std::optional<std::uint64_t> disk_bytes;    ///< The sandbox's files.
    std::optional<std::uint64_t> network_received_bytes;
    std::optional<std::uint64_t> network_sent_bytes;
    std::optional<std::uint64_t> process_count;
    std::optional<std::uint64_t> memory_limit_bytes;
    std::optional<double> cpu_limit_percent;
    std::optional<std::uint64_t> disk_limit_bytes;
    std::optional<Time> sampled_at;
};

/// A sandbox as it is now. `id`, `state` and `created_at` must be set; the provider's name is the host's business.
struct SandboxInfo {
    std::string id;        ///< 1-128 of [A-Za-z0-9._-], never reused.
    SandboxState state{};  ///< Not set: a contract fault, which the host reports.
    Time created_at{};
    std::optional<Time> last_used_at;  ///< Last execute, upload or download; `get` does not change it.
    std::optional<Time> expires_at;
    EnvironmentValues environment;  ///< The truth: what was given, defaults filled in, later changes included.
    Network network = Network::unspecified;
    bool persistent = false;
    std::optional<Usage> usage;
    std::string idempotency_key;  ///< As given to create.
    std::optional<std::string> name;
    std::optional<std::string> template_name;
    std::optional<std::string> error_text;  ///< When the state is `error`.
    std::optional<std::string> backend_id;  ///< The backend's own name for it, when it differs from id.
    Variables labels;
    Variables facts;  ///< What a person may want to see in `inspect`.
};

/// A snapshot, as the extension berth.snapshots/1 lists it.
struct SnapshotInfo {
    std::string id;
    std::string name;
    std::optional<std::string> sandbox_id;
    Time created_at{};
    std::optional<std::uint64_t> size_bytes;
    std::optional<Time> expires_at;
};

/// How a process ended: what `execute` and `execute_stream` return.
struct ProcessEnd {
    EndKind kind{};
    int exit_code = 0;                 ///< 0-255 when it exited by itself, whoever asked it to.
    int signal = 0;                    ///< The signal that ended it, 0 when it exited.
    std::optional<Duration> duration;  ///< As the backend measured it; absent: the host measures.

    static ProcessEnd exited(int code) { return {EndKind::exited, code & 0xff, 0, {}}; }
    /// The program does not exist in the sandbox. Say why on Stream::err first.
    static ProcessEnd not_found() { return exited(127); }
    /// The program cannot be run, or is a directory. Say why on Stream::err first.
    static ProcessEnd not_executable() { return exited(126); }
    static ProcessEnd detached() { return {EndKind::detached, 0, 0, {}}; }
    /// By a signal; `why` says who sent it.
    static ProcessEnd by_signal(int number, EndKind why = EndKind::signalled) { return {why, 0, number, {}}; }
    /// From what waitpid said. `why` tells what this side did to it, when it did anything.
    static ProcessEnd from_wait_status(int status, std::optional<EndKind> why = {}) {
        if (WIFSIGNALED(status)) return {why.value_or(EndKind::signalled), 0, WTERMSIG(status), {}};
        return {why.value_or(EndKind::exited), WEXITSTATUS(status), 0, {}};
    }
};

/// What this instance can do on this machine with this account: everything the manifest names, less what is withdrawn.
class Features {
public:
    /// Takes back a feature of the manifest and says why, and what would enable it.
    Features& withdraw(std::string_view feature, std::string_view reason) & {
        withdrawn_.set(feature, reason);
        return *this;
    }
    Features&& withdraw(std::string_view feature, std::string_view reason) && {
        withdrawn_.set(feature, reason);
        return std::move(*this);
    }
    const Variables& withdrawn() const { return withdrawn_; }

private:
    Variables withdrawn_;
};

}  // namespace berth::inline sdk_v1

#endif
