// Puts the output of one process into its sandbox's log on its way to the caller.
//
// Lines are written at once while the process keeps within a budget: 2 MiB, which grows again by 512 KiB a second. A
// process that prints more is not slowed down and its output not copied to disk: only the newest 32 KiB of each stream
// are kept until there is budget again or it ends, and the log says how many bytes were left out. Lines longer than
// 16 KiB become several. The values of secret variables appear as `***`, also where a line or what is kept comes apart.
// One thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "process_run.hpp"
#include "record.hpp"
#include "sandbox_log.hpp"

namespace berth_local {

inline constexpr std::int64_t log_budget_bytes = 2 << 20;
inline constexpr std::int64_t log_budget_per_second = 512 << 10;
inline constexpr std::size_t log_tail_bytes = 32U << 10;
inline constexpr std::size_t longest_log_line = 16U << 10;

class OutputLog : public ProcessSink {
public:
    // `directory`: the sandbox's. Both must outlive this.
    OutputLog(int directory, const std::vector<NamedValue>& environment, ProcessSink& to);
    // What is still unwritten goes to the log.
    ~OutputLog() override;

    void started(std::optional<std::int64_t> pid) override;
    Taken output(std::int32_t stream, std::string_view bytes,
                 const std::function<void(const Event&)>& on_event) override;
    [[nodiscard]] std::optional<Clock::time_point> next_turn() const override;
    void take_turn() override;

private:
    struct Stream {
        const char* source = "";
        std::string line;  // begun, not ended yet
        std::string tail;  // while there is no budget: the newest of what came
        std::uint64_t left_out = 0;
        bool overflowing = false;
        bool enough = false;  // the caller wants no more of it
    };
    enum class Line { ended, goes_on };
    void note(Stream& stream, std::string_view bytes);
    [[nodiscard]] std::size_t write_pieces(Stream& stream, std::string_view text, Line line);
    void end_line(Stream& stream);
    void keep_tail(Stream& stream, std::string_view bytes);
    void end_overflow(Stream& stream);
    void write_line(Stream& stream, std::string_view text);
    void flush();
    void refill();

    LogSegment segment_;
    ProcessSink& to_;
    std::vector<std::string> secrets_;           // the longest first
    std::size_t most_begun_ = longest_log_line;  // of a line, before some of it must be written
    std::string pid_ = "-";
    std::array<Stream, 2> streams_;
    std::string batch_;
    std::string time_;
    std::int64_t budget_ = log_budget_bytes;
    Clock::time_point refilled_at_ = Clock::now();
};

}  // namespace berth_local
