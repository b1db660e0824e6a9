// What the program of every stand-in does around its service: a place for disks, and waiting for the end. Knows no vendor
// and no HTTP.
#pragma once

#include <signal.h>

#include <cstdint>
#include <filesystem>
#include <string>

namespace standin {

/// The directory for disks: the wished one, or a new one of our own that is removed at the end.
class Place {
public:
    Place(const std::filesystem::path& wish, const std::string& name);
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    ~Place();
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_;
    bool own_ = false;
};

/// When the program ends.
enum class End { at_signal, with_input };

/// Blocks the signals that end the program. Before any thread.
[[nodiscard]] sigset_t block_ending_signals();
void wait_for_end(End end, const sigset_t& signals);

/// Throws std::invalid_argument.
[[nodiscard]] std::uint16_t port_number(const std::string& text);

}  // namespace standin
