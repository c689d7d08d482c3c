import { describeUnbroken } from './unbroken.ts';

describeUnbroken('journal');
