// A command as Daytona runs it: in a session of its own, started without waiting, followed over a WebSocket and asked for
// where that breaks off. Its session is deleted with it.
#pragma once

#include <exception>
#include <vector>

#include "api.hpp"
#include "cloud/command_link.hpp"
#include "log_markers.hpp"

namespace berth_daytona {

struct Place {
    std::string sandbox;  // Daytona's own id
    std::string box;
};

// Whether somebody wants to see output as it comes. Where nobody does, the log is looked at once before a connection of its
// own is opened to follow it: that costs several round trips, and most commands are short.
enum class Listening { at_once, after_a_look };

class DaytonaCommand final : public CommandLink {
public:
    DaytonaCommand(const Api& api, berth::Call& call, Place place, Listening listening)
        : api_(api), call_(call), place_(std::move(place)), listening_(listening) {}
    DaytonaCommand(const DaytonaCommand&) = delete;
    DaytonaCommand& operator=(const DaytonaCommand&) = delete;
    ~DaytonaCommand() override;

    void put_files(const std::vector<ScratchFile>& files) override;
    void send(const ShellCommand& command) override;
    [[nodiscard]] bool is_known() const override { return !command_.empty(); }
    [[nodiscard]] Heard hear() override;
    [[nodiscard]] int fd() const override { return socket_ ? socket_->fd() : -1; }
    [[nodiscard]] bool ends_late() const override { return true; }
    [[nodiscard]] int patience_ms() const override { return 5'000; }
    void let_go() override { is_let_go_ = true; }
    void hear_again() override;
    [[nodiscard]] std::optional<std::int64_t> exit_code() override;
    [[nodiscard]] bool is_sandbox_over() override;
    void beside(const std::string& script) override;
    void kill(int signal) override;

private:
    [[nodiscard]] bool look();
    void listen();
    void listen_behind_the_look();
    void follow();
    void fetch();
    void fetch_more();
    void begin_again();
    void forget_text();
    void gather();
    void take(std::string_view bytes);
    void keep(std::optional<berth::Stream> stream, std::string_view bytes);

    const Api& api_;
    berth::Call& call_;
    Place place_;
    const Listening listening_;
    std::string session_;
    std::string command_;
    std::optional<berth::WebSocket> socket_;
    std::optional<berth::Exchange> fetched_;  // in place of a socket: the log so far
    LogMarkers markers_;
    int sockets_ = 0;  // that were opened again
    // What was heard and not told: bytes of one stream after the other, each up to its end in text_.
    struct Piece {
        berth::Stream stream;
        std::size_t end;
    };
    std::string text_;
    std::vector<Piece> pieces_;
    std::size_t next_ = 0;                 // of the pieces
    std::size_t seen_before_[2] = {0, 0};  // bytes of each stream that come again and are not told again
    bool has_looked_ = false;              // what is in text_ is all that there was
    bool has_ended_ = false;               // what is in text_ is the last
    bool has_exited_ = false;              // Daytona knows its exit code
    bool is_gone_ = false;                 // Daytona knows the command no more
    bool is_let_go_ = false;
    const int exceptions_ = std::uncaught_exceptions();
};

}  // namespace berth_daytona
