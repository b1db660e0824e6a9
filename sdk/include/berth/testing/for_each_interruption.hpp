// Runs one test again and again and interrupts the plugin at its first, second, third ... contact with the host, until
// a run gets through. What is left behind or broken on the way is found without the author having to think of each
// place.
#ifndef BERTH_TESTING_FOR_EACH_INTERRUPTION_HPP
#define BERTH_TESTING_FOR_EACH_INTERRUPTION_HPP

#include <stdexcept>

#include "instance.hpp"

namespace berth::inline sdk_v1::testing {

/// How many places were tried.
struct Interruptions {
    std::uint64_t cancels = 0;
    std::uint64_t events = 0;
    std::uint64_t enoughs = 0;
};

namespace detail {

/// One run of the test; gives what was found. True in `struck` when the interruption happened.
template <class Test>
std::string run_interrupted(Test& test, Interruption kind, std::uint64_t contact, ContractSize size, bool& struck) {
    const std::size_t descriptors = ProcessState::descriptors();
    std::string found;
    {
        FakeHost host{size};
        host.interrupt(kind, contact);
        try {
            test(host);
        } catch (...) {
            for (const std::string& breach : host.rules().take())
                std::fprintf(stderr, "%s\n", breach.c_str());
            throw;
        }
        struck = host.was_interrupted();
        if (host.left_open() != 0) host.rules().broken("order", "an exchange was left open for the host to close");
        if (ProcessState::has_unwaited_child()) host.rules().broken("T4", "a child was not waited for");
        for (const std::string& breach : host.rules().take())
            found += (found.empty() ? "" : "; ") + breach;
    }
    if (ProcessState::descriptors() > descriptors)
        found += (found.empty() ? "" : "; ") + std::string{"a descriptor leaked"};
    return found;
}

}  // namespace detail

/// `test(FakeHost&)` sets the host up, opens an Instance and uses it; it must accept that any call fails, and should
/// end with Instance::expect_nothing_left(). Throws std::logic_error that names the first place where a rule was
/// broken, an exchange, descriptor or child left behind; an exception of the test itself goes through, its place on
/// stderr. Also runs once each as a host of version 1.0 and as one newer than the plugin.
template <class Test>
Interruptions for_each_interruption(Test test) {
    Interruptions tried;
    const auto every = [&](Interruption kind, const char* name, std::uint64_t& count) {
        for (std::uint64_t contact = 1;; ++contact) {
            if (contact > 100'000) throw std::logic_error(std::string{"no run gets through without a "} + name);
            bool struck = false;
            std::string found;
            try {
                found = detail::run_interrupted(test, kind, contact, ContractSize::current, struck);
            } catch (...) {
                std::fprintf(stderr, "the test failed with a %s at contact %llu\n", name,
                             static_cast<unsigned long long>(contact));
                throw;
            }
            if (!found.empty())
                throw std::logic_error(std::string{name} + " at contact " + std::to_string(contact) + ": " + found);
            if (!struck) return;
            ++count;
        }
    };
    every(Interruption::cancel, "cancel", tried.cancels);
    every(Interruption::event, "event", tried.events);
    every(Interruption::enough, "enough", tried.enoughs);
    for (const ContractSize size : {ContractSize::first, ContractSize::newer}) {
        bool struck = false;
        const std::string found = detail::run_interrupted(test, Interruption::none, 0, size, struck);
        if (!found.empty())
            throw std::logic_error((size == ContractSize::first ? "a host of version 1.0: " : "a newer host: ") +
                                   found);
    }
    return tried;
}

}  // namespace berth::inline sdk_v1::testing

#endif
