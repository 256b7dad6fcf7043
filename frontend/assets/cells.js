// What the tables' cells hold besides numbers; the grids' renderers and events call these by name.
var dagfuncs = (window.dashAgGridFunctions = window.dashAgGridFunctions || {});
var dagcomponentfuncs = (window.dashAgGridComponentFunctions = window.dashAgGridComponentFunctions || {});

(function () {
    "use strict";
    var NARROW = 720;

    function element() {
        return window.React.createElement.apply(null, arguments);
    }

    // Two lines: what the cell is about, as a link where the row has an address for it, and below it what it says of it.
    dagcomponentfuncs.Linked = function (props) {
        var address = props.data[props.colDef.field + "_address"];
        var below = props.data[props.colDef.field + "_below"];
        return element(
            "div",
            { className: "two-lines" },
            address ? element("a", { href: address, className: "in-app" }, props.value) : element("span", {}, props.value),
            below ? element("span", { className: "below " + (props.data[props.colDef.field + "_tone"] || "") }, below) : null
        );
    };

    dagcomponentfuncs.Badge = function (props) {
        return props.value ? element("span", { className: "badge badge-" + props.value.replace(" ", "-") }, props.value) : null;
    };

    // A line made of the row's points, which are those of a drawing of 100 by 28.
    dagcomponentfuncs.Sparkline = function (props) {
        var line = props.value;
        if (!line) {
            return null;
        }
        return element(
            "svg",
            { viewBox: "0 0 100 28", preserveAspectRatio: "none", className: "spark", role: "img", "aria-label": line.words },
            element("line", { x1: 0, x2: 100, y1: line.zero, y2: line.zero, className: "spark-zero" }),
            element("polyline", { points: line.points, className: line.gain ? "spark-gain" : "spark-loss" })
        );
    };

    // On a narrow screen, the columns that can't be done without.
    dagfuncs.fitted = function (params) {
        var narrow = window.innerWidth < NARROW;
        [true, false].forEach(function (shown) {
            var changed = (params.api.getColumns() || []).filter(function (column) {
                var context = column.getColDef().context || {};
                return column.isVisible() !== shown && (context.wide ? !narrow : context.narrow ? narrow : !shown) === shown;
            });
            if (changed.length) {
                params.api.setColumnsVisible(changed, shown);
            }
        });
        // A pinned column doesn't grow with the table: it has the least width that it may have.
        var moved = (params.api.getColumns() || []).filter(function (column) {
            return (column.getColDef().context || {}).pinned && column.isPinned() !== narrow;
        });
        if (moved.length) {
            params.api.applyColumnState({
                state: moved.map(function (column) {
                    var made = column.getColDef();
                    return narrow
                        ? { colId: column.getColId(), pinned: "left", flex: null, width: made.minWidth }
                        : { colId: column.getColId(), pinned: null, flex: made.flex };
                }),
            });
        }
    };

    // Tab leads from a heading into the rows, or back out of the table.
    dagfuncs.intoRows = function (params) {
        return params.backwards ? false : { headerRowIndex: -1, column: params.previousHeaderPosition.column };
    };

    // A click on a row, or Enter on one of its cells, leads where its first link does.
    dagfuncs.follow = function (params) {
        var event = params.event;
        var chosen = event.type === "keydown" ? event.key === "Enter" : true;
        // A link follows itself.
        if (chosen && params.data && params.data.address && !event.target.closest("a")) {
            window.riskcontrol.go(params.data.address);
        }
    };
})();
