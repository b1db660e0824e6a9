// What every method works with, and how a sandbox's present session is found: from the record, and anew when Vercel says
// that it has ended. Knows no method of the contract.
#pragma once

#include <berth/provider.hpp>

#include "api.hpp"
#include "cloud/sandbox_link.hpp"
#include "cloud/sandbox_log.hpp"
#include "command_link.hpp"
#include "records.hpp"
#include "settings.hpp"

namespace berth_vercel {

class Backend {
public:
    Backend(berth::Host host, Settings own)
        : settings(std::move(own)), api(host, settings), records(host.state()), log(host.state()), host_(host) {}

    const Settings settings;
    const Api api;
    const Records records;
    const SandboxLog log;

    // The sandbox as Vercel has it now; not_found unless it is one of this provider's. Resumes nothing.
    [[nodiscard]] SandboxAnswer look(berth::Call& call, std::string_view id) const;
    // The record, made from the tags where this host has none, with the session that `now` shows.
    Record refresh(berth::Call& call, const SandboxAnswer& now) const;
    // Runs `act(place, record)` in the present session; once more in a newer one when the record's has ended, for which
    // `act` must not have done anything.
    template <class Act>
    auto in_session(berth::Call& call, std::string_view id, Act&& act) const {
        std::optional<Record> known = records.find(call, id);
        const bool guessed = known && !known->session.empty();
        Record record = guessed ? *std::move(known) : ready_record(call, id);
        try {
            return act(Place{std::string{id}, record.session}, record);
        } catch (const berth::Error& error) {
            const bool over = error.code() == berth::Code::not_found || error.code() == berth::Code::not_ready;
            if (!over || error.is_recorded()) throw;
            const std::string before = record.session;
            record = ready_record(call, id);
            if (record.session == before) throw;
        }
        return act(Place{std::string{id}, record.session}, record);
    }
    // A shell text whose output is text; for our own small works. Not for what a caller asked to run.
    [[nodiscard]] ShellAnswer shell(berth::Call& call, const Place& place, const std::string& program,
                                    const std::vector<std::string>& args) const;
    // Waits until it runs; throws when it fails on the way.
    [[nodiscard]] SandboxAnswer wait_until_running(berth::Call& call, std::string_view id) const;
    // Waits until this session has ended for good; a newer one may run already.
    [[nodiscard]] SandboxAnswer wait_until_over(berth::Call& call, std::string_view id,
                                                const std::string& session) const;
    // Ends the session that runs, and starts a new one with the files of its end.
    SandboxAnswer resume(berth::Call& call, std::string_view id) const;
    // `known` is the record as it was when the work began.
    void used(berth::Call& call, std::string_view id, const Record& known) const;
    void warn(std::string_view text) const { host_.log(berth::LogLevel::warning, text); }

private:
    Record ready_record(berth::Call& call, std::string_view id) const;
    berth::Host host_;
};

[[nodiscard]] berth::SandboxInfo info_of(const Sandbox& sandbox, const std::string& status,
                                         const std::optional<Session>& session, const Record& record);

}  // namespace berth_vercel
