%% What happens in one scenario, in order, and who is alive: every process of the scenario announces itself here.
%%
%% Each incarnation has a name: b2 is the second process that was started as b. The death of one that failed to start
%% is not told: up to OTP 25 it races with that of its starter.
-module(chronicle).
-export([start/1, moods/2, enter/2, enter/3, write/2, name/2, alive/1, phase/1]).

start(Moods) ->
    Scenario = self(),
    spawn_link(fun() -> link(Scenario), loop(#{moods => Moods, births => #{}, names => #{}, alive => #{}, events => [], deaths => []}) end).

%% The moods of children yet to come.
moods(Chronicle, Moods) -> ask(Chronicle, {moods, Moods}).
%% A process starts as Id: its name, and the mood it is in.
enter(Chronicle, Id) -> enter(Chronicle, Id, self()).
enter(Chronicle, Id, Pid) -> ask(Chronicle, {enter, Id, Pid}).
write(Chronicle, Text) -> ask(Chronicle, {write, Text}).
name(Chronicle, Pid) -> ask(Chronicle, {name, Pid}).
alive(Chronicle) -> ask(Chronicle, alive).
%% What happened since the last time: events in order, deaths by name.
phase(Chronicle) -> ask(Chronicle, phase).

ask(Chronicle, Request) ->
    Ref = make_ref(),
    Chronicle ! {ask, self(), Ref, Request},
    receive {Ref, Answer} -> Answer end.

loop(State) ->
    receive
        {ask, From, Ref, Request} ->
            {Answer, Next} = answer(Request, State),
            From ! {Ref, Answer},
            loop(Next);
        {'DOWN', _, process, Pid, Reason} ->
            #{names := #{Pid := Name}, alive := Alive, deaths := Deaths} = State,
            Told =
                case Alive of
                    #{Pid := ok} -> [lists:flatten([Name, "=", reasons:text(Reason)])];
                    _ -> []
                end,
            loop(State#{alive := maps:remove(Pid, Alive), deaths := Told ++ Deaths})
    end.

answer({moods, New}, State = #{moods := Moods}) -> {ok, State#{moods := maps:merge(Moods, New)}};
answer({enter, Id, Pid}, State = #{moods := Moods, births := Births, names := Names, alive := Alive}) ->
    Birth = maps:get(Id, Births, 0) + 1,
    Name = atom_to_list(Id) ++ integer_to_list(Birth),
    {Mood, Rest} = next(maps:get(Id, Moods, [])),
    monitor(process, Pid),
    {{Name, Mood}, State#{
        moods := Moods#{Id => Rest},
        births := Births#{Id => Birth},
        names := Names#{Pid => Name},
        alive := Alive#{Pid => Mood}
    }};
answer({write, Text}, State = #{events := Events}) -> {ok, State#{events := [lists:flatten(Text) | Events]}};
answer({name, Pid}, State = #{names := Names}) -> {maps:get(Pid, Names, undefined), State};
answer(alive, State = #{alive := Alive}) -> {maps:keys(Alive), State};
answer(phase, State = #{events := Events, deaths := Deaths}) ->
    Text = [lists:join(" ", lists:reverse(Events)), "; ", lists:join(" ", lists:sort(Deaths))],
    {Text, State#{events := [], deaths := []}}.

next([]) -> {ok, []};
next([Mood | Rest]) -> {Mood, Rest}.
