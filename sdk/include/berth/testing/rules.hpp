// Which rules of the contract a plugin broke under the fake host. The rules and their numbers stand in plugin.h; next
// to these there are the labels `order` (a call out of turn), `data` (a field against its comment), `secret` (a secret
// where none may be) and `script` (a request that the test has no answer for).
#ifndef BERTH_TESTING_RULES_HPP
#define BERTH_TESTING_RULES_HPP

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../detail/lock.hpp"

namespace berth::inline sdk_v1::testing {

/// Collects breaches. One that no test took ends the program with its text, so that none goes unseen.
class Rules {
public:
    Rules() = default;
    Rules(const Rules&) = delete;
    Rules& operator=(const Rules&) = delete;
    ~Rules() {
        if (breaches_.empty()) return;
        for (const std::string& breach : breaches_)
            std::fprintf(stderr, "the plugin broke a rule of the contract: %s\n", breach.c_str());
        if (std::uncaught_exceptions() == 0) std::abort();
    }

    /// `rule` is its number, such as "C5". [any thread]
    void broken(std::string_view rule, std::string_view what) {
        const detail::Locking locking{&lock_};
        std::string breach = std::string{rule} + ": " + std::string{what};
        for (const std::string& known : breaches_)
            if (known == breach) return;
        breaches_.push_back(std::move(breach));
    }
    /// All breaches so far, each as "C5: what happened"; afterwards there are none. [any thread]
    [[nodiscard]] std::vector<std::string> take() {
        const detail::Locking locking{&lock_};
        return std::exchange(breaches_, {});
    }

private:
    detail::Lock lock_;
    std::vector<std::string> breaches_;
};

}  // namespace berth::inline sdk_v1::testing

#endif
