// One stream of output of a process: read from the pipe or the terminal that its sandbox handed over. Never waits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "descriptor.hpp"

namespace berth_local {

// Shared by the streams of one process, which are read one after the other.
struct OutputBuffer {
    std::unique_ptr<char[]> bytes;
    std::size_t size = 0;
};

class ProcessOutput {
public:
    enum class Kind { pipe, terminal };
    ProcessOutput() = default;
    ProcessOutput(std::int32_t stream, Descriptor from, Kind kind)
        : stream_(stream), from_(std::move(from)), kind_(kind) {}

    [[nodiscard]] std::int32_t stream() const { return stream_; }
    [[nodiscard]] const Descriptor& descriptor() const { return from_; }
    // Something may still come.
    [[nodiscard]] bool open() const { return static_cast<bool>(from_); }

    // What is there now; lives until the next read with this buffer. Empty: nothing, and perhaps not open any more.
    [[nodiscard]] std::string_view read(OutputBuffer& buffer);

    // How much of what was written until now can be there, at most; more may come while it is read.
    [[nodiscard]] std::size_t most_there() const;

private:
    void grow_pipe(std::size_t size);
    [[nodiscard]] std::string_view read_terminal(OutputBuffer& buffer);

    std::int32_t stream_ = 0;
    Descriptor from_;
    Kind kind_ = Kind::pipe;
    std::uint64_t total_ = 0;
    bool hot_ = false;
};

}  // namespace berth_local
