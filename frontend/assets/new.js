// The page of a new strategy: what is typed is kept by the browser and, after a pause, sent to be checked.
(function () {
    "use strict";
    var PAUSE_MS = 250;
    var FRAMES = 60;
    var AGAIN = "riskcontrol draft ";
    var timer = null;
    var last = {};
    var newest = null;

    function set(id, props) {
        window.dash_clientside.set_props(id, props);
    }

    // A browser may refuse to keep anything; the page works without.
    function kept(key) {
        try {
            return JSON.parse(sessionStorage.getItem(key));
        } catch (error) {
            return null;
        }
    }

    function keep(key, values) {
        try {
            if (values) {
                sessionStorage.setItem(key, JSON.stringify(values));
            } else {
                sessionStorage.removeItem(key);
            }
        } catch (error) {}
    }

    // Puts the draft into the fields; where there is none, asks for the strategy that the new one is made from. Asked
    // for by an output, its values would not come here again: Dash leaves out what led to itself.
    function restore(key, values, source, visitor) {
        var draft = kept(key);
        if (draft && typeof draft === "object") {
            Object.keys(values).forEach(function (id) {
                if (typeof draft[id] === "string" && draft[id] !== values[id]) {
                    values[id] = draft[id];
                    set(id, { value: draft[id] });
                }
            });
            return;
        }
        if (!values["new-username"] && typeof visitor === "string") {
            values["new-username"] = visitor;
            set("new-username", { value: visitor });
        }
        if (source) {
            set("new-load", { data: source });
        }
    }

    // What is marked is drawn after the message of it has come here, on a busy machine some frames later. Whoever goes
    // elsewhere meanwhile is left there.
    function focusWrong(message, at, frames) {
        var wrong = document.querySelector(".new-form [aria-invalid='true']");
        if (message !== newest || document.activeElement !== at || !frames) {
            return;
        }
        if (wrong) {
            wrong.focus();
            at = document.activeElement;
        }
        if (at !== wrong) {
            requestAnimationFrame(function () {
                focusWrong(message, at, frames - 1);
            });
        }
    }

    document.addEventListener("keydown", function (event) {
        var button = document.getElementById("new-submit");
        if (button && event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
            event.preventDefault();
            button.click();
        }
    });

    window.dash_clientside = Object.assign({}, window.dash_clientside, {
        strategy_form: {
            // Every change passes here.
            typed: function () {
                var page = document.getElementById("new-page");
                var key = AGAIN + location.search;
                var values = {};
                window.dash_clientside.callback_context.inputs_list.forEach(function (input) {
                    values[input.id] = typeof input.value === "string" ? input.value : "";
                });
                if (page.dataset.key !== key) {
                    page.dataset.key = key;
                    restore(key, values, arguments[arguments.length - 2], arguments[arguments.length - 1]);
                } else {
                    keep(key, values);
                    var template = values["new-template"];
                    if (template && template !== last["new-template"]) {
                        set("new-begin", { data: template });
                    }
                }
                last = values;
                clearTimeout(timer);
                timer = setTimeout(function () {
                    if (document.getElementById("new-page")) {
                        set("new-typed", { data: last });
                    }
                }, PAUSE_MS);
                return window.dash_clientside.no_update;
            },
            // Asks for the preview once more, a second later, where there may be one by then.
            again: function (n, state) {
                return state && state.soon ? n : window.dash_clientside.no_update;
            },
            leave: function (sent) {
                if (!sent) {
                    return window.dash_clientside.no_update;
                }
                clearTimeout(timer);
                keep(AGAIN + location.search, null);
                set("pending", { data: sent.pending });
                set("toasts", { sendNotifications: sent.toasts });
                set("visitor", { data: sent.visitor });
                return sent.address;
            },
            focus: function (message) {
                newest = message;
                if (message) {
                    focusWrong(message, document.activeElement, FRAMES);
                }
            },
        },
    });

    // A template in the list of them: its name, and what it does.
    window.dashMantineFunctions = Object.assign({}, window.dashMantineFunctions, {
        template: function (row, summaries) {
            var element = window.React.createElement;
            return element(
                "div",
                { className: "template" },
                element("div", null, row.option.label),
                element("div", { className: "about" }, summaries[row.option.value])
            );
        },
    });
})();
