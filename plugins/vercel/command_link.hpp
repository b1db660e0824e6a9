// A command as Vercel runs it: one request whose answer is a stream of lines, asked for again when the stream breaks off.
#pragma once

#include <berth/line_reader.hpp>

#include "api.hpp"
#include "cloud/command_link.hpp"

namespace berth_vercel {

struct Place {
    std::string sandbox;
    std::string session;
};

class VercelCommand final : public CommandLink {
public:
    VercelCommand(const Api& api, berth::Call& call, Place place) : api_(api), call_(call), place_(std::move(place)) {}

    void put_files(const std::vector<ScratchFile>& files) override;
    void send(const ShellCommand& command) override;
    [[nodiscard]] bool is_known() const override { return !command_.empty(); }
    [[nodiscard]] Heard hear() override;
    [[nodiscard]] int fd() const override { return reader_->fd(); }
    [[nodiscard]] bool ends_late() const override { return false; }
    [[nodiscard]] int patience_ms() const override { return 60'000; }
    void let_go() override {}
    void hear_again() override { reader_.emplace(api_.logs(call_, place_.session, command_)); }
    [[nodiscard]] std::optional<std::int64_t> exit_code() override {
        return api_.command(call_, place_.session, command_).exit_code;
    }
    [[nodiscard]] bool is_sandbox_over() override;
    void beside(const std::string& script) override;
    void kill(int signal) override { api_.kill(call_, place_.session, command_, signal); }

private:
    const Api& api_;
    berth::Call& call_;
    Place place_;
    std::optional<berth::LineReader> reader_;
    std::string command_;
    std::string heard_;
};

}  // namespace berth_vercel
