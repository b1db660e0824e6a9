// One command in a sandbox, from the request to its end, whatever happens on the way: events of the caller, a stream that
// breaks off, a session that ends. The command is sent once and never again; after a broken stream its output is asked for.
#pragma once

#include <berth/call.hpp>
#include <berth/sinks.hpp>
#include <functional>

#include "command_link.hpp"
#include "command_output.hpp"
#include "command_wrapper.hpp"
#include "sandbox_log.hpp"

namespace berth_cloud {

struct RunPlan {
    CommandPlan command;
    berth::Variables env;  // all of it
    std::optional<std::string> input;
};

// Where a command's course goes: to the host's sink, or into two texts.
class RunSink {
public:
    virtual ~RunSink() = default;
    virtual void started(std::optional<std::int64_t> pid) = 0;
    // False: this stream is neither passed on nor logged.
    [[nodiscard]] virtual bool wants(berth::Stream stream) const = 0;
    // `on_event` may be called meanwhile.
    virtual berth::Delivered output(berth::Stream stream, std::string_view bytes,
                                    const std::function<void(const berth::Event&)>& on_event) = 0;
};

// Tests of ten thousand broken streams have no time.
enum class Waiting { usual, none };

class Run final : private CommandWatcher {
public:
    Run(CommandLink& link, berth::Call& call, RunSink& sink, LogLines& log, Waiting waiting = Waiting::usual)
        : link_(link), call_(call), sink_(sink), log_(log), waiting_(waiting) {}

    [[nodiscard]] berth::ProcessEnd run(const RunPlan& plan);
    // Whether the backend has taken it: then the command runs or has run.
    [[nodiscard]] bool was_sent() const { return sent_; }

private:
    void started(std::optional<std::int64_t> pid) override;
    void output(berth::Stream stream, std::string_view bytes) override;

    void pass_on(berth::Stream stream, std::string_view bytes);
    void send(const RunPlan& plan);
    void read_to_the_end();
    void look_at(const Heard& heard);
    void pass(berth::Stream stream, std::string_view data);
    void wait_for_more();
    [[nodiscard]] bool may_have_ended();
    void act_on(const berth::Event& event);
    void signal(int number);
    void cancel();
    void recover();
    [[nodiscard]] int waited_ms(int usual) const { return waiting_ == Waiting::none ? 0 : usual; }
    [[nodiscard]] bool is_decided() const;  // how it ended is known; output may be missing still
    [[nodiscard]] bool is_over() const;
    [[nodiscard]] berth::Error lost() const;
    [[nodiscard]] berth::ProcessEnd end() const;

    CommandLink& link_;
    berth::Call& call_;
    RunSink& sink_;
    LogLines& log_;
    const Waiting waiting_;
    std::int64_t kill_grace_ms_ = 0;
    std::optional<CommandOutput> output_;
    std::optional<std::int64_t> told_exit_;
    std::size_t seen_[2] = {0, 0};  // bytes of the backend's text that were looked at, by stream
    std::size_t at_[2] = {0, 0};    // where the present stream is
    int recoveries_ = 0;            // since something new came
    int streams_ = 0;               // that broke off, in all
    bool sent_ = false;
    bool cancelled_ = false;
    bool killed_ = false;
    bool signalled_ = false;
    bool detached_ = false;
    bool sandbox_over_ = false;
    bool enough_ = false;
    bool stream_is_over_ = false;
    bool stream_broke_ = false;  // rather than ended: what came of it may lack its end
};

}  // namespace berth_cloud
