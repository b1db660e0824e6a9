#include "known_secrets.hpp"

#include <sys/prctl.h>

#include <algorithm>
#include <mutex>

namespace berth::inline host_v1 {

std::string masked(std::string_view text, std::vector<std::string_view> secrets) {
    std::stable_sort(secrets.begin(), secrets.end(),
                     [](std::string_view left, std::string_view right) { return left.size() > right.size(); });
    std::string shown(text);
    for (const auto secret : secrets) {
        if (secret.size() < KnownSecrets::shortest) continue;
        for (auto at = shown.find(secret); at != std::string::npos; at = shown.find(secret, at + secret_mask.size()))
            shown.replace(at, secret.size(), secret_mask);
    }
    return shown;
}

void KnownSecrets::add(std::string_view secret) {
    if (secret.size() < shortest) return;
    const std::unique_lock lock(mutex_);
    if (forbids_core_dumps_) (void)::prctl(PR_SET_DUMPABLE, 0);  // programs that it starts have their own say
    const auto known = std::find(secrets_.begin(), secrets_.end(), secret);
    if (known != secrets_.end()) {
        std::rotate(known, known + 1, secrets_.end());
        return;
    }
    if (secrets_.size() == most) secrets_.erase(secrets_.begin());
    secrets_.emplace_back(secret);
}

std::string KnownSecrets::mask(std::string_view text) const {
    const std::shared_lock lock(mutex_);
    if (secrets_.empty()) return std::string(text);
    return masked(text, {secrets_.begin(), secrets_.end()});
}

bool KnownSecrets::found_in(std::string_view text) const {
    const std::shared_lock lock(mutex_);
    return std::any_of(secrets_.begin(), secrets_.end(),
                       [text](const std::string& secret) { return text.find(secret) != std::string_view::npos; });
}

}  // namespace berth::inline host_v1
