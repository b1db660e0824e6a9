// Small files that outlive this process, one for each content hash, in a directory that several processes use at once:
// written whole or not at all, and read as if a stranger had written them. Knows not what they say.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "../config/environment.hpp"
#include "trust.hpp"

namespace berth::inline host_v1 {

/// Where Berth keeps such folders unless somebody says otherwise: $XDG_STATE_HOME/berth, else /var/lib/berth for root and
/// ~/.local/state/berth for others. Empty when there is neither variable.
[[nodiscard]] std::string usual_records_directory(const EnvironmentVariables& environment);

class RecordFolder {
public:
    /// A larger file is no record.
    static constexpr std::size_t largest = std::size_t{64} * 1024;

    /// `directory` is absolute and need not be there; empty: nothing is kept, and writing fails.
    RecordFolder(std::string directory, TrustRules rules);

    [[nodiscard]] const std::string& directory() const noexcept { return directory_; }
    /// Of every record, sorted; other names are left alone. Throws Error BERTH-P-33 when that cannot be known.
    [[nodiscard]] std::vector<std::string> hashes() const;
    /// Whether anything stands there about this hash, whatever it is. Throws Error BERTH-P-33.
    [[nodiscard]] bool has(const std::string& hash) const;
    /// What stands there about this hash, if anything does. Throws Error BERTH-P-33.
    [[nodiscard]] std::optional<std::string> read(const std::string& hash) const;
    /// On the disk when it returns, in the place of an older one. Of more than `most` records the oldest go. Throws Error
    /// BERTH-P-33.
    void write(const std::string& hash, std::string_view text, std::size_t most) const;
    /// Whether there was one. Throws Error BERTH-P-33.
    [[nodiscard]] bool remove(const std::string& hash) const;

private:
    [[nodiscard]] std::optional<TrustedDirectory> open_if_there() const;

    std::string directory_;
    TrustRules rules_;
};

}  // namespace berth::inline host_v1
