// The control interface that every stand-in has, below /_standin: faults, recorded requests, the clock. Knows no vendor.
#include "exchange.hpp"

namespace standin {

namespace {

/// A test that waits longer than this has found a mistake.
constexpr std::chrono::seconds patience{30};

Json body_of(const Request& request) {
    if (request.body.empty()) return Json::object();
    auto body = Json::parse(request.body, nullptr, false);
    if (!body.is_object()) throw Refusal(400, "bad_request", "the control interface takes JSON objects");
    return body;
}

Answer wait(Stage& stage, const Json& body) {
    bool came = false;
    if (body.contains("fault")) {
        came = stage.faults.wait_for_hits(body["fault"].get<int>(), body.value("hits", 0), body.value("waiting", 0),
                                          patience);
    } else {
        came = stage.records.wait_for(body.value("method", ""), body.value("path", ""),
                                      body.value("requests", std::size_t{1}), patience);
    }
    if (!came) throw Refusal(504, "timeout", "what was waited for did not happen within 30 seconds");
    return json_answer(Json::object());
}

}  // namespace

Answer control_answer(Stage& stage, const Request& request) {
    const auto name = request.segments.size() == 2 ? request.segments[1] : "";
    const auto call = request.method + " " + name;
    if (call == "GET requests") return json_answer(stage.records.list());
    if (call == "GET faults") return json_answer(stage.faults.list());
    if (call == "POST faults") return json_answer({{"number", stage.faults.add(body_of(request))}});
    if (call == "POST wait") return wait(stage, body_of(request));
    if (call == "DELETE faults") {
        stage.faults.clear();
    } else if (call == "DELETE requests") {
        stage.records.clear();
    } else if (call == "POST release") {
        stage.faults.release(body_of(request).value("fault", -1));
    } else {
        return stage.service.control(request);
    }
    return json_answer(Json::object());
}

}  // namespace standin
