%% Runs random state machines on a real BEAM: one Erlang term a line in, one line of what happened out.
%%
%% A scenario is {Mode, Enters, InitActions, [{{State, Label}, {Outcome, Actions}}], [{Kind, Label}]}. Every call of the
%% machine's code is written down as state:kind:label, then the replies, and in the end the timeouts that still run and
%% the events that are still postponed. test_otp_conformance.py does the same with Regrow.
-module(statem_scenarios).
-behaviour(gen_statem).
-export([main/0, init/1, callback_mode/0, handle_event/4, a/3, b/3, c/3, terminate/3]).

-define(FUEL, 40). % a machine that feeds itself falls silent after so many events
-define(LONG, 3600000).

main() ->
    logger:set_primary_config(level, none),
    loop().

loop() ->
    case io:read("") of
        {ok, Scenario} ->
            io:format("~s~n", [lists:join(" ", run(Scenario))]),
            loop();
        eof ->
            halt()
    end.

run({Mode, Enters, InitActions, Table, Commands}) ->
    ets:new(written, [named_table, public, ordered_set]),
    ets:new(scenario, [named_table, public]),
    ets:insert(scenario, {mode, Mode, Enters}),
    {ok, Machine} = gen_statem:start(?MODULE, {InitActions, maps:from_list(Table)}, []),
    Requests = [R || Command <- Commands, R <- perform(Machine, Command)],
    Rest = rest(Machine),
    Replies = [reply(R) || R <- Requests],
    Written = [What || {_, What} <- ets:tab2list(written)],
    is_process_alive(Machine) andalso exit(Machine, kill),
    ets:delete(written),
    ets:delete(scenario),
    Written ++ ["|" | Replies] ++ ["|" | Rest].

perform(Machine, {cast, Label}) -> gen_statem:cast(Machine, Label), [];
perform(Machine, {info, Label}) -> Machine ! Label, [];
perform(Machine, {call, Label}) -> [gen_statem:send_request(Machine, Label)].

reply(Request) ->
    case gen_statem:wait_response(Request, 0) of
        {reply, State} -> atom_to_list(State);
        timeout -> "none";
        {error, _} -> "dead"
    end.

%% The machine answers this after all it was sent, and after all that followed from it.
rest(Machine) ->
    try sys:get_status(Machine) of
        {status, _, _, [_, _, _, _, Items]} ->
            Data = lists:append([D || {data, D} <- Items]),
            {_, {_, Timeouts}} = lists:keyfind("Time-outs", 1, Data),
            {_, Postponed} = lists:keyfind("Postponed", 1, Data),
            lists:sort([event(Type, Label) || {Type, Label} <- Timeouts])
                ++ ["|" | [event(Type, Label) || {Type, Label} <- lists:reverse(Postponed)]]
    catch
        exit:_ -> []
    end.

write(What) -> ets:insert(written, {erlang:unique_integer([monotonic]), What}).

event(Type, Label) -> [kind(Type), ":", atom_to_list(Label)].

kind({call, _}) -> "call";
kind({timeout, Name}) -> atom_to_list(Name);
kind(Type) -> atom_to_list(Type).

%% The machine.

init({Actions, Table}) ->
    {ok, a, {Table, ?FUEL}, actions(Actions, init)}.

callback_mode() ->
    [{mode, Mode, Enters}] = ets:lookup(scenario, mode),
    case Enters of
        true -> [Mode, state_enter];
        false -> Mode
    end.

a(Type, Content, Data) -> handle_event(Type, Content, a, Data).
b(Type, Content, Data) -> handle_event(Type, Content, b, Data).
c(Type, Content, Data) -> handle_event(Type, Content, c, Data).

handle_event(Type, Content, State, {Table, Fuel}) ->
    write([atom_to_list(State), ":", event(Type, Content)]),
    Label = case Type of enter -> enter; _ -> Content end,
    case Fuel of
        0 -> keep_state_and_data;
        _ -> outcome(maps:get({State, Label}, Table, {keep, []}), Type, {Table, Fuel - 1})
    end.

outcome({keep, Actions}, Type, Data) -> {keep_state, Data, actions(Actions, Type)};
outcome({repeat, Actions}, Type, Data) -> {repeat_state, Data, actions(Actions, Type)};
outcome({{next, State}, Actions}, Type, Data) -> {next_state, State, Data, actions(Actions, Type)};
outcome({stop, _}, _, Data) -> {stop, normal, Data};
outcome({reply_stop, _}, Type, Data) -> {stop_and_reply, shutdown, actions([reply], Type), Data};
outcome({crash, _}, _, _) -> error(crash).

actions(Actions, Type) -> lists:append([action(Action, Type) || Action <- Actions]).

action(reply, {call, From}) -> [{reply, From, answered}];
action(reply, _) -> [];
action(postpone, _) -> [postpone];
action({next_event, Kind, Label}, _) -> [{next_event, type(Kind), Label}];
action({'after', Kind, zero, Label}, _) -> [{type(Kind), 0, Label}];
action({'after', Kind, long, Label}, _) -> [{type(Kind), ?LONG, Label}];
action({cancel, Kind}, _) -> [{type(Kind), cancel}];
action({update, Kind, Label}, _) -> [{type(Kind), update, Label}].

type(n) -> {timeout, n};
type(m) -> {timeout, m};
type(Kind) -> Kind.

terminate(Reason, State, _) ->
    write([atom_to_list(State), ":terminate:", case Reason of
        normal -> "normal";
        shutdown -> "shutdown";
        _ -> "error"
    end]).
