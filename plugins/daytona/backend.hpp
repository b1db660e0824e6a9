// What every method works with, and how a sandbox of ours is found at Daytona: by its record, by its name, and by its labels
// when it has become another. Knows no method of the contract.
#pragma once

#include <berth/provider.hpp>

#include "api.hpp"
#include "cloud/sandbox_log.hpp"
#include "command_link.hpp"
#include "records.hpp"

namespace berth_daytona {

// A sandbox as it is now, and what is known of it here.
struct Known {
    Sandbox now;
    Record record;
};

class Backend {
public:
    Backend(berth::Host host, Settings own)
        : settings(std::move(own)), api(host, settings), records(host.state()), log(host.state()), host_(host) {}

    const Settings settings;
    const Api api;
    const Records records;
    const SandboxLog log;

    // The newest generation; not_found unless it is one of this provider's. Starts nothing.
    [[nodiscard]] Known look(berth::Call& call, std::string_view id) const;
    // The same; not_ready when it does not run.
    [[nodiscard]] Known running(berth::Call& call, std::string_view id) const;
    // Where commands go, by the record alone where there is one.
    [[nodiscard]] Record placed(berth::Call& call, std::string_view id) const;
    // Absent when Daytona says that there is none.
    [[nodiscard]] std::optional<Sandbox> find(berth::Call& call, std::string_view sandbox) const;
    // Every generation of it that is not on its way out, oldest first.
    [[nodiscard]] std::vector<Sandbox> generations(berth::Call& call, std::string_view id) const;

    // Until it runs and its toolbox answers; throws when it fails on the way. Gives it with its toolbox in the record.
    [[nodiscard]] Known wait_until_ready(berth::Call& call, std::string_view id, Known known) const;
    void wait_until_stopped(berth::Call& call, const std::string& sandbox) const;
    void wait_until_gone(berth::Call& call, const std::string& sandbox) const;
    // Has it deleted, whatever it is doing; it may be on its way for long. Absent already: done.
    void begin_removal(berth::Call& call, const std::string& sandbox) const;
    // The same, and waits until it is gone.
    void remove(berth::Call& call, const std::string& sandbox) const;
    // Stores where the newest generation is.
    Record keep_place(berth::Call& call, std::string_view id, const Record& record) const;

    void used(berth::Call& call, std::string_view id, const Record& known) const;
    void warn(std::string_view text) const { host_.log(berth::LogLevel::warning, text); }

private:
    berth::Host host_;
};

[[nodiscard]] berth::SandboxInfo info_of(std::string_view id, const Sandbox& now, const Record& record);
// Whether `one` is the sandbox rather than `other`, another generation of it: the newest that has taken over.
[[nodiscard]] bool comes_before(const Sandbox& one, const Sandbox& other);
// Those that will be there no more.
[[nodiscard]] bool is_going(const Sandbox& sandbox);

}  // namespace berth_daytona
