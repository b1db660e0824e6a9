// A Daytona in memory for the fake host: sandboxes with labels, snapshots, toolboxes that answer. One request of it may fail, or
// all from one on. For tests of what a method leaves at every place where it can break.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "scripted.hpp"

namespace scripted {

class SmallDaytona {
public:
    using Json = nlohmann::json;
    using HttpAnswer = berth::testing::HttpAnswer;
    using SentRequest = berth::testing::SentRequest;

    enum class Failing { never, once, from_then_on };
    struct Failure {
        Failing failing = Failing::never;
        std::size_t at = 0;  // counted from 0
        HttpAnswer answer;
    };

    explicit SmallDaytona(FakeHost& host) {
        for (const char* method : {"GET", "POST", "PUT", "DELETE"})
            for (const std::string& path :
                 {api, api + "/*", api + "/*/labels", api + "/*/snapshot", api + "/*/stop", api + "/*/start",
                  api + "/*/recover", std::string{"/api/snapshots"}, std::string{"/api/snapshots/*"},
                  std::string{"/toolbox/*/version"}, std::string{"/toolbox/*/work-dir"}, std::string{"/toolbox/*/env"}})
                host.http().on(method, path).reply_by([this](const SentRequest& request) { return answer(request); });
    }
    SmallDaytona(const SmallDaytona&) = delete;
    SmallDaytona& operator=(const SmallDaytona&) = delete;

    std::map<std::string, Json> sandboxes;  // by Daytona's id
    std::map<std::string, Json> snapshots;
    std::vector<std::string> states{"started"};          // of a new sandbox, one for each look; the last one stays
    std::vector<std::string> snapshot_states{"active"};  // of a new snapshot; "missing": it is not there
    std::set<std::string> frozen;                        // ids that cannot be deleted
    Failure failure;
    std::size_t requests = 0;

    Json& add(const std::string& backend_id, int generation = 1) {
        return sandboxes[backend_id] = Json::parse(sandbox({"started", backend_id, generation, "", ""}));
    }

private:
    static HttpAnswer reply(int status, const Json& body) {
        HttpAnswer answer;
        answer.status = status;
        answer.body = body.dump();
        return answer;
    }
    static HttpAnswer missing() { return reply(404, {{"statusCode", 404}, {"message", "not found"}}); }

    HttpAnswer answer(const SentRequest& request) {
        const std::size_t number = requests++;
        // A toolbox that does not answer is waited for; that is no test's business.
        const bool is_waited_for =
            request.url.find("/version") != std::string::npos || request.url.find("/work-dir") != std::string::npos;
        const bool fails = failure.failing == Failing::once
                               ? number == failure.at
                               : failure.failing == Failing::from_then_on && number >= failure.at && !is_waited_for;
        if (!fails) return done(request);
        // What is cut was done all the same.
        if (failure.answer.fault == HttpAnswer::Fault::no_answer || failure.answer.fault == HttpAnswer::Fault::cut)
            (void)done(request);
        return failure.answer;
    }
    HttpAnswer done(const SentRequest& request) {
        const std::string path{berth::testing::FakeHttp::path_of(request.url)};
        if (path.rfind("/toolbox/", 0) == 0) return in_toolbox(path);
        if (path.rfind("/api/snapshots", 0) == 0) return of_snapshots(request, path);
        if (path == api) return request.method == "GET" ? listed() : made(Json::parse(request.body));
        const std::size_t slash = path.find('/', api.size() + 1);
        const std::string name = path.substr(api.size() + 1, slash - api.size() - 1);
        const auto found = find(name);
        if (found == sandboxes.end()) return missing();
        const std::string rest = slash == std::string::npos ? "" : path.substr(slash);
        if (rest == "/labels") found->second["labels"] = Json::parse(request.body)["labels"];
        if (rest == "/snapshot") begin_snapshot(Json::parse(request.body)["name"]);
        if (rest == "/stop") found->second["state"] = "stopped";
        if (rest == "/start" || rest == "/recover") found->second["state"] = "started";
        if (request.method == "DELETE" && frozen.count(found->first) != 0)
            return reply(500, {{"statusCode", 500}, {"message", "it sticks"}});
        const Json shown = found->second;
        if (request.method == "DELETE") sandboxes.erase(found);
        if (request.method == "GET") advance(found->first);
        return reply(200, shown);
    }
    std::map<std::string, Json>::iterator find(const std::string& name) {
        if (const auto found = sandboxes.find(name); found != sandboxes.end()) return found;
        return std::find_if(sandboxes.begin(), sandboxes.end(),
                            [&](const auto& one) { return one.second["name"] == name; });
    }
    HttpAnswer listed() const {
        Json items = Json::array();
        for (const auto& [backend_id, item] : sandboxes)
            items.push_back(item);
        return reply(200, {{"items", items}, {"nextCursor", nullptr}});
    }
    HttpAnswer made(const Json& body) {
        if (find(body["name"]) != sandboxes.end()) return reply(409, {{"message", "the name is taken"}});
        const std::string backend_id = "new-" + std::to_string(++made_);
        Json& item = add(backend_id);
        for (const auto& [name, value] : body.items())
            item[name] = value;
        item["state"] = "creating";
        looks_[backend_id] = 0;
        const Json shown = item;
        item["state"] = states.front();
        return reply(200, shown);
    }
    void advance(const std::string& backend_id) {
        const auto look = looks_.find(backend_id);
        if (look == looks_.end()) return;
        look->second = std::min(look->second + 1, states.size() - 1);
        sandboxes[backend_id]["state"] = states[look->second];
    }
    void begin_snapshot(const std::string& name) {
        if (snapshot_states.front() == "missing") return;
        snapshots[name] = {{"id", "id-" + name}, {"name", name}, {"state", snapshot_states.front()}};
        looks_[name] = 0;
    }
    HttpAnswer of_snapshots(const SentRequest& request, const std::string& path) {
        const std::string name = path.substr(path.rfind('/') + 1);
        const auto found = std::find_if(snapshots.begin(), snapshots.end(),
                                        [&](const auto& one) { return one.first == name || one.second["id"] == name; });
        if (found == snapshots.end()) return missing();
        const Json shown = found->second;
        if (request.method == "DELETE") {
            snapshots.erase(found);
        } else if (const auto look = looks_.find(found->first); look != looks_.end()) {
            look->second = std::min(look->second + 1, snapshot_states.size() - 1);
            found->second["state"] = snapshot_states[look->second];
        }
        return reply(200, shown);
    }
    HttpAnswer in_toolbox(const std::string& path) {
        const std::string backend_id = path.substr(9, path.find('/', 9) - 9);
        const auto found = sandboxes.find(backend_id);
        if (found == sandboxes.end()) return reply(401, {{"message", "who are you"}});
        if (found->second["state"] != "started") return reply(502, "");
        return reply(200, {{"version", "0.218.0"}, {"dir", "/home/daytona"}});
    }

    std::map<std::string, std::size_t> looks_;
    int made_ = 0;
};

inline berth::testing::HttpAnswer failing(berth::testing::HttpAnswer::Fault fault, int status = 200,
                                          std::string body = {}) {
    berth::testing::HttpAnswer answer;
    answer.status = status;
    answer.body = std::move(body);
    answer.fault = fault;
    return answer;
}

/// The ways in which a request fails.
struct Kind {
    const char* name;
    berth::testing::HttpAnswer answer;
};

inline const std::vector<Kind>& kinds() {
    using berth::testing::HttpAnswer;
    static const std::vector<Kind> all{
        {"refused", failing(HttpAnswer::Fault::refused)},
        {"no answer", failing(HttpAnswer::Fault::no_answer)},
        {"cut", failing(HttpAnswer::Fault::cut, 200, "{\"id\":")},
        {"500", failing(HttpAnswer::Fault::none, 500, "{\"message\":\"broken\"}")},
        {"403", failing(HttpAnswer::Fault::none, 403, "{\"message\":\"forbidden\"}")},
        {"nonsense", failing(HttpAnswer::Fault::none, 200, "<html>")},
    };
    return all;
}

}  // namespace scripted
