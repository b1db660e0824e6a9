// The user's terminal, passing every key through as it is for a while: raw, as it was during a stop, raw again, and in
// the end as it was found. Knows no signal handler and no sandbox.
#pragma once

#include <termios.h>

#include <mutex>
#include <optional>

namespace berth::inline host_v1::cli {

/// Every member from any thread. None waits for the terminal, and none lets it stop this process.
class RawTerminal {
public:
    /// Changes nothing yet.
    explicit RawTerminal(int descriptor) noexcept : descriptor_(descriptor) {}
    RawTerminal(const RawTerminal&) = delete;
    RawTerminal& operator=(const RawTerminal&) = delete;
    ~RawTerminal() { restore(); }

    enum class Now {
        raw,
        in_background,  ///< another job has the terminal: ask again
        given_back,     ///< paused, or restored for good
        no_terminal     ///< there is none, or it has gone
    };
    /// Raw from here on. Twice is fine; what somebody has set meanwhile is then what is restored.
    Now make_raw() noexcept;
    /// As it was found, and not raw until go_on(): for while this process is stopped.
    void pause() noexcept;
    void go_on() noexcept;
    /// As it was found, for good.
    void restore() noexcept;

private:
    enum class Stage { wanted, paused, over };
    struct Settings {
        termios found;
        termios raw;  ///< as the terminal itself repeats it
    };
    [[nodiscard]] bool in_foreground() const noexcept;
    void give_back() noexcept;

    int descriptor_;
    std::mutex mutex_;  ///< guards what follows
    Stage stage_ = Stage::wanted;
    std::optional<Settings> settings_;  ///< while it is raw
};

}  // namespace berth::inline host_v1::cli
