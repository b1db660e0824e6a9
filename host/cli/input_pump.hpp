// Our standard input into the stdin of a process in a sandbox, on a thread of its own, until either ends. Within the
// kernel where that is possible, so that a large input costs no memory.
#pragma once

#include <exception>
#include <functional>
#include <thread>

#include "../base/file_descriptor.hpp"

namespace berth::inline host_v1::cli {

class InputPump {
public:
    /// Moves bytes from `input` to the pipe `target`, which must stay open until stop(); `at_end` is called when the
    /// input has ended, and closes the pipe. Both run on the pump's thread.
    InputPump(int input, int target, std::function<void()> at_end);
    InputPump(const InputPump&) = delete;
    InputPump& operator=(const InputPump&) = delete;
    ~InputPump() { stop(); }
    /// Ends the thread, whatever it waits for. Twice is fine.
    void stop() noexcept;

private:
    enum class Step { moved, ended, target_gone, stopped, not_spliceable };
    void run();
    [[nodiscard]] bool wait_for(int descriptor, short events) const;
    [[nodiscard]] Step splice_once();
    [[nodiscard]] Step copy_once();

    int input_;
    int target_;
    std::function<void()> at_end_;
    FileDescriptor over_;
    std::thread thread_;
};

}  // namespace berth::inline host_v1::cli
