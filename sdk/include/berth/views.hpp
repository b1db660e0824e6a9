// What a method is handed: thin views over the contract's request structs. They own nothing and die when the method
// returns (rule M1): copy what must live longer. Texts are string_views; paths, arguments, values and input are bytes.
#ifndef BERTH_VIEWS_HPP
#define BERTH_VIEWS_HPP

#include <cstddef>
#include <iterator>

#include "data.h"
#include "words.hpp"

namespace berth::inline sdk_v1 {

/// A name and its value. `secret` must never be shown or logged.
struct Pair {
    std::string_view name;
    std::string_view value;
    bool secret = false;
};

namespace detail {

inline std::string_view element(const berth_str& text) {
    return view(text);
}
inline Pair element(const berth_pair& pair) {
    return {view(pair.name), view(pair.value), (pair.flags & BERTH_PAIR_SECRET) != 0};
}

/// A read-only range over one of the contract's lists; `Element` is what a caller sees of each item.
template <class List, class Element>
class Range {
public:
    class Iterator {
    public:
        using iterator_category = std::input_iterator_tag;
        using value_type = Element;
        using difference_type = std::ptrdiff_t;
        using pointer = void;
        using reference = Element;

        Iterator() = default;
        explicit Iterator(decltype(List::data) at) : at_(at) {}
        Element operator*() const { return element(*at_); }
        Iterator& operator++() {
            ++at_;
            return *this;
        }
        Iterator operator++(int) {
            Iterator before = *this;
            ++at_;
            return before;
        }
        friend bool operator==(Iterator, Iterator) = default;

    private:
        decltype(List::data) at_ = nullptr;
    };

    using value_type = Element;
    using const_iterator = Iterator;

    Range() = default;
    explicit Range(List list) : list_(list) {}

    Iterator begin() const { return Iterator{list_.data}; }
    Iterator end() const { return Iterator{list_.data == nullptr ? nullptr : list_.data + list_.count}; }
    std::size_t size() const { return list_.data == nullptr ? 0 : static_cast<std::size_t>(list_.count); }
    bool empty() const { return size() == 0; }
    /// `index` must be below size().
    Element operator[](std::size_t index) const { return element(list_.data[index]); }
    List raw() const { return list_; }

private:
    List list_{};
};

}  // namespace detail

/// A list of texts or of bytes: iterates over std::string_view.
using Strings = detail::Range<berth_strs, std::string_view>;
/// Sandbox paths, bytes.
using Paths = Strings;

/// A list of names with values: iterates over Pair.
class Pairs : public detail::Range<berth_pairs, Pair> {
public:
    using Range::Range;
    /// The value of `name`, absent when it is not in the list.
    std::optional<std::string_view> find(std::string_view name) const {
        for (Pair pair : *this)
            if (pair.name == name) return pair.value;
        return std::nullopt;
    }
};

/// What processes run with. For limits 0 means none and absent means the default.
class Environment {
public:
    explicit Environment(const berth_environment& raw) : raw_(&raw) {}
    Pairs env() const { return Pairs{raw_->env}; }
    /// Sandbox path; a relative one is meant against the sandbox's own.
    std::optional<std::string_view> cwd() const { return detail::given(raw_->cwd); }
    /// Limit of one process.
    std::optional<Duration> timeout() const { return detail::given_duration(raw_->timeout_ms); }
    std::optional<std::uint64_t> memory_limit_mib() const { return detail::given(raw_->memory_limit_mib); }
    /// Percent, 100 = one core; a ceiling.
    std::optional<double> cpu_limit() const { return detail::given(raw_->cpu_limit); }

private:
    const berth_environment* raw_;
};

/// What `create` is asked for.
class SandboxConfig {
public:
    explicit SandboxConfig(const berth_sandbox_config& raw) : raw_(&raw) {}
    Environment environment() const { return Environment{*raw_->environment}; }
    /// Keep the sandbox beyond the host that made it.
    bool persistent() const { return (raw_->flags & BERTH_SANDBOX_PERSISTENT) != 0; }
    /// A label, not unique.
    std::optional<std::string_view> name() const { return detail::given(raw_->name); }
    std::optional<std::string_view> template_name() const { return detail::given(raw_->template_name); }
    /// Shell lines for `sh -c`, in order, after the initial files; the first that fails ends `create`.
    Strings setup_commands() const { return Strings{raw_->setup_commands}; }
    Pairs labels() const { return Pairs{raw_->labels}; }
    /// Never empty. Store it with the sandbox and give it back in SandboxInfo; the same key gives the same sandbox.
    std::string_view idempotency_key() const { return detail::view(raw_->idempotency_key); }
    std::optional<Duration> ttl() const { return detail::given_duration(raw_->ttl_ms); }
    std::optional<Duration> idle_ttl() const { return detail::given_duration(raw_->idle_ttl_ms); }
    std::optional<std::uint64_t> disk_limit_mib() const { return detail::given(raw_->disk_limit_mib); }
    std::optional<std::uint64_t> pids_limit() const { return detail::given(raw_->pids_limit); }
    Network network() const { return static_cast<Network>(raw_->network); }
    /// With Network::allow_list: host names and CIDRs; empty then means that nothing is allowed.
    Strings network_allow() const { return Strings{raw_->network_allow}; }
    /// Wishes of this provider alone; an unknown one is Code::invalid_argument.
    Pairs extra() const { return Pairs{raw_->extra}; }
    const berth_sandbox_config& raw() const { return *raw_; }

private:
    const berth_sandbox_config* raw_;
};

/// The terminal that a process is to run on.
struct Terminal {
    std::uint32_t rows;
    std::uint32_t columns;
    std::string_view name;  ///< The value of TERM.
};

/// One process. No shell: command and arguments are an argv and arrive byte for byte.
class Process {
public:
    explicit Process(const berth_process& raw) : raw_(&raw) {}
    /// Laid over the sandbox's own, for this process only.
    Environment environment() const { return Environment{*raw_->environment}; }
    /// Without `/` it is looked up along the sandbox's PATH.
    std::string_view command() const { return detail::view(raw_->command); }
    /// Without the command itself.
    Strings args() const { return Strings{raw_->args}; }
    /// Written to stdin, which is then closed. Absent, and not live_stdin(): stdin is at its end at once.
    std::optional<std::string_view> input() const { return detail::given(raw_->input); }
    /// stdin comes from Call::stdin_fd().
    bool live_stdin() const { return has(BERTH_PROCESS_LIVE_STDIN); }
    std::optional<Terminal> terminal() const {
        if (!has(BERTH_PROCESS_TTY)) return std::nullopt;
        return Terminal{raw_->rows, raw_->columns, detail::view(raw_->terminal)};
    }
    /// Throw the bytes of this stream away; never block the process.
    bool discards(Stream stream) const {
        return has(stream == Stream::out ? BERTH_PROCESS_DISCARD_STDOUT : BERTH_PROCESS_DISCARD_STDERR);
    }
    /// After the main process ended, end what it left behind.
    bool kills_background() const { return has(BERTH_PROCESS_KILL_BACKGROUND); }
    /// Between SIGTERM and SIGKILL.
    Duration kill_grace() const { return Duration{raw_->kill_grace_ms}; }
    /// How long output is awaited after the main process ended.
    Duration drain_grace() const { return Duration{raw_->drain_grace_ms}; }
    Pairs extra() const { return Pairs{raw_->extra}; }
    const berth_process& raw() const { return *raw_; }

private:
    bool has(std::uint32_t flag) const { return (raw_->flags & flag) != 0; }
    const berth_process* raw_;
};

/// Which part of a log is wanted: first `since`, then the last `lines` of it.
class LogOptions {
public:
    explicit LogOptions(const berth_log_options& raw) : raw_(&raw) {}
    std::optional<std::uint64_t> lines() const { return detail::given(raw_->lines); }
    std::optional<Time> since() const { return detail::given_time(raw_->since_ms); }
    /// Keep going as new lines come, until cancel or destroy.
    bool follow() const { return (raw_->flags & BERTH_LOG_FOLLOW) != 0; }

private:
    const berth_log_options* raw_;
};

}  // namespace berth::inline sdk_v1

#endif
