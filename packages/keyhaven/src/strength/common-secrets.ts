/**
 * The PINs and passwords that people choose most, commonest first: what anyone tries who has ten guesses and knows nobody.
 *
 * Put together from published counts (leaked password lists, Markert et al. 2020 on six-digit PINs). It is short on
 * purpose: ten guesses do not get further, and what follows a pattern is refused by pin-patterns.ts anyway.
 */
export const COMMON_SECRETS: readonly string[] = [
  '123456 password 123456789 12345678 111111 123123 qwerty 1234567 000000 abc123 654321 666666',
  '121212 112233 789456 159753 iloveyou 123321 1234567890 password1 qwerty123 147258 222222 555555',
  '777777 888888 999999 131313 101010 232323 696969 987654 520520 147852 258456 159357 142536',
  '102030 010203 123654 112358 246810 202020 314159 271828 161803 141421 121314 131415 147896',
  '192837 102938 564738 918273 010101 123457 135791 420247 007007 080808 112211 145236 1314520',
  '5201314 1478963 1236987 31415926 27182818 16180339 10203040 01020304 12131415 13572468 24681357',
  '19283746 14789632 14725836 11112222 147896325 123698745 1472583690 7894561230 1029384756',
  '1357924680 passw0rd p@ssw0rd p@ssword pa55word password12 password123 passcode pincode',
  'mypincode mypassword letmein welcome welcome1 changeme default secret secret1 master admin1',
  'admin123 administrator monkey dragon sunshine princess football baseball superman batman',
  'trustno1 shadow michael jordan ashley charlie jessica hunter killer freedom whatever starwars',
  'pokemon computer internet michelle jennifer nicole hannah amanda anthony matthew william daniel',
  'andrew joshua thomas robert george nicolas family friends babygirl forever loveyou iloveu',
  'iloveyou1 iloveyou2 lovely flower summer winter ginger pepper cookie cheese purple buster',
  'soccer hockey mustang maverick phoenix cowboy matrix chocolate butterfly samsung google',
  'facebook liverpool chelsea arsenal barcelona juventus qazwsx 1qaz2wsx zaq12wsx q1w2e3 q1w2e3r4',
  '1q2w3e 1q2w3e4r 1q2w3e4r5t a1b2c3 a1b2c3d4 a12345 a123456 aa123456 aa12345678 abcd1234 abc1234',
  'qwer1234 test123 test1234 hello123 guest123 blink182 hello1 passwort passwort1 hallo123 schatz',
  'motdepasse azerty123 bonjour soleil doudou loulou chocolat contraseña contrasena tequiero',
  'teamo1 senha123 mudar123 parola wachtwoord welkom01 salasana',
].flatMap((line) => line.split(' '))
