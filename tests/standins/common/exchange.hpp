// One request and its answer on the wire, with the fault that the request met. Knows faults and framing, no vendor.
#pragma once

#include "clock.hpp"
#include "faults.hpp"
#include "records.hpp"
#include "wire.hpp"

namespace standin {

/// What a vendor's stand-in does with requests.
class Service {
public:
    Service() = default;
    Service(const Service&) = delete;
    Service& operator=(const Service&) = delete;
    virtual ~Service() = default;

    [[nodiscard]] virtual Answer answer(const Request& request) = 0;
    /// The vendor's body for an error.
    [[nodiscard]] virtual Answer refused(const Refusal& refusal) const = 0;
    /// Ends what the request speaks of, as if somebody else had.
    virtual void stop_under(const Request& request) = 0;
    /// The vendor's line that ends a stream with an error.
    [[nodiscard]] virtual std::string error_line(const std::string& code, const std::string& message) const = 0;
    /// Requests below /_standin beyond those that every stand-in has.
    [[nodiscard]] virtual Answer control(const Request& request) = 0;
};

/// What all exchanges of a server share.
struct Stage {
    Service& service;
    Faults& faults;
    Records& records;
    Clock& clock;
};

/// Answers one request.
void exchange(Stage& stage, Request& request, Wire& wire);

/// The control interface that every stand-in has; the rest goes to the service.
[[nodiscard]] Answer control_answer(Stage& stage, const Request& request);

}  // namespace standin
