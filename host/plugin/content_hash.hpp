// What a file holds, as one name: "sha256:" and 64 digits. The one room that uses libsodium.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "byte_source.hpp"

namespace berth::inline host_v1 {

/// Takes bytes in parts, in one thread.
class ContentHash {
public:
    ContentHash();
    ~ContentHash();
    ContentHash(const ContentHash&) = delete;
    ContentHash& operator=(const ContentHash&) = delete;
    void add(std::span<const std::byte> bytes);
    /// "sha256:...", once and last.
    [[nodiscard]] std::string finish();

private:
    struct State;
    std::unique_ptr<State> state_;
};

/// Of all that is there, read in parts; nothing when not all of it could be read.
[[nodiscard]] std::optional<std::string> content_hash(const ByteSource& source);

}  // namespace berth::inline host_v1
